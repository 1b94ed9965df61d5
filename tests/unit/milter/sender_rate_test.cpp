#include <gtest/gtest.h>

#include "milter/policy/sender_rate.hpp"

namespace homeward::milter {
namespace {

using namespace std::chrono_literals;

class set_clock final : public clock_source {
 public:
  [[nodiscard]] steady_time steady_now() const override { return now; }
  [[nodiscard]] wall_time wall_now() const override { return {}; }
  steady_time now{};
};

std::size_t allowed(sender_rate& rate, const rated_sender& who, std::size_t tries) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < tries; ++i) {
    count += rate.allow(who) ? 1U : 0U;
  }
  return count;
}

class SenderRate : public testing::Test {
 protected:
  set_clock clock;
  const rated_sender ann{.sender = "ann@example.org", .client_address = "192.0.2.1"};
  const rated_sender bob{.sender = "bob@example.org", .client_address = "192.0.2.1"};
};

TEST_F(SenderRate, IsOffByDefault) {
  sender_rate rate(clock);
  EXPECT_EQ(allowed(rate, ann, 1000), 1000U);
  EXPECT_EQ(rate.senders(), 0U);
}

TEST_F(SenderRate, StopsAtTheLimitAndFillsSteadily) {
  sender_rate rate(clock, {.recipients = 10, .period = 100s});
  EXPECT_EQ(allowed(rate, ann, 50), 10U);
  clock.now += 9s;
  EXPECT_EQ(allowed(rate, ann, 50), 0U);
  clock.now += 1s;
  EXPECT_EQ(allowed(rate, ann, 50), 1U);
  clock.now += 50s;
  EXPECT_EQ(allowed(rate, ann, 50), 5U);
  clock.now += 100'000s;
  EXPECT_EQ(allowed(rate, ann, 50), 10U) << "a bucket holds no more than the limit";
}

TEST_F(SenderRate, AskingOftenLosesNoPartOfAToken) {
  sender_rate rate(clock, {.recipients = 10, .period = 100s});
  EXPECT_EQ(allowed(rate, ann, 50), 10U);
  std::size_t count = 0;
  for (int i = 0; i < 1000; ++i) {
    clock.now += 100ms;
    count += allowed(rate, ann, 1);
  }
  EXPECT_GE(count, 9U);
  EXPECT_LE(count, 10U);
}

TEST_F(SenderRate, SendersDoNotShareAndCaseDoesNotHelp) {
  sender_rate rate(clock, {.recipients = 3, .period = 100s});
  EXPECT_EQ(allowed(rate, ann, 5), 3U);
  EXPECT_EQ(allowed(rate, bob, 5), 3U);
  EXPECT_EQ(allowed(rate, {.sender = "ANN@Example.ORG"}, 5), 0U);
}

TEST_F(SenderRate, TheNullSenderIsCountedByClient) {
  sender_rate rate(clock, {.recipients = 3, .period = 100s});
  EXPECT_EQ(allowed(rate, {.sender = "", .client_address = "192.0.2.1"}, 5), 3U);
  EXPECT_EQ(allowed(rate, {.sender = "", .client_address = "192.0.2.2"}, 5), 3U);
  EXPECT_EQ(allowed(rate, {.sender = "", .client_address = "192.0.2.1"}, 5), 0U);
}

TEST_F(SenderRate, IsBounded) {
  sender_rate rate(clock, {.recipients = 1, .period = 100s, .senders = 100});
  EXPECT_EQ(allowed(rate, ann, 1), 1U);
  for (int i = 0; i < 10'000; ++i) {
    const std::string name = std::to_string(i) + "@example.net";
    EXPECT_TRUE(rate.allow({.sender = name}));
    EXPECT_EQ(allowed(rate, ann, 1), 0U) << "who keeps asking is not forgotten";
  }
  EXPECT_EQ(rate.senders(), 100U);
}

TEST_F(SenderRate, SomeAreNotCounted) {
  sender_rate rate(clock, {.recipients = 1,
                           .period = 100s,
                           .only_authenticated = true,
                           .exempt = [](std::string_view client) { return client == "::1"; }});
  EXPECT_EQ(allowed(rate, ann, 5), 5U);
  EXPECT_EQ(allowed(rate, {.sender = "a@b", .client_address = "::1", .authenticated = true}, 5),
            5U);
  EXPECT_EQ(allowed(rate, {.sender = "a@b", .client_address = "::2", .authenticated = true}, 5),
            1U);
}

TEST_F(SenderRate, OtherNumbersHoldAtOnce) {
  sender_rate rate(clock, {.recipients = 100, .period = 100s, .senders = 100});
  EXPECT_EQ(allowed(rate, ann, 60), 60U);
  EXPECT_EQ(allowed(rate, bob, 1), 1U);
  rate.set_limit({.recipients = 10, .period = 100s, .senders = 1});
  EXPECT_EQ(rate.senders(), 1U);
  EXPECT_EQ(allowed(rate, bob, 60), 10U);
  rate.set_limit({});
  EXPECT_EQ(allowed(rate, bob, 60), 60U);
}

} // namespace
} // namespace homeward::milter
