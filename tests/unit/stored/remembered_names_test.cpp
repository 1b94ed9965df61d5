#include <deque>
#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "stored/delivery/remembered_names.hpp"

using namespace homeward;
using namespace homeward::stored;
using namespace std::chrono_literals;
using store_protocol::message_name;

namespace {

const steady_time start{1000h};

identity number(std::uint64_t n) {
  return identity_of(std::to_string(n), "ann@example.org");
}

message_name name_of(std::uint64_t seconds, std::string origin = "mx1") {
  return {.seconds = seconds, .key = "k", .origin = std::move(origin)};
}

} // namespace

TEST(identity_of_a_delivery, depends_on_key_and_mailbox_and_on_nothing_in_between) {
  EXPECT_EQ(identity_of("k", "ann@x"), identity_of("k", "ann@x"));
  EXPECT_NE(identity_of("k", "ann@x"), identity_of("k2", "ann@x"));
  EXPECT_NE(identity_of("k", "ann@x"), identity_of("k", "bob@x"));
  EXPECT_NE(identity_of("ka", "nn@x"), identity_of("k", "ann@x"));
}

TEST(remembered_names, finds_the_first_name_of_an_identity) {
  remembered_names names({});
  EXPECT_FALSE(names.find(number(1), start));
  names.remember(number(1), name_of(100, "mx1"), start);
  names.remember(number(1), name_of(200, "mx2"), start + 1s);
  const auto found = names.find(number(1), start + 2s);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->seconds, 100U);
  EXPECT_EQ(found->origin, "mx1");
  EXPECT_EQ(names.size(), 1U);
}

TEST(remembered_names, forgets_after_its_age_and_not_before) {
  remembered_names names({.age = 7s});
  names.remember(number(1), name_of(1), start);
  names.remember(number(2), name_of(2), start + 3s);
  EXPECT_TRUE(names.find(number(1), start + 6s));
  EXPECT_FALSE(names.find(number(1), start + 7s));
  EXPECT_TRUE(names.find(number(2), start + 7s));
  EXPECT_FALSE(names.find(number(2), start + 10s));
  EXPECT_EQ(names.forgotten_early(), 0U);
}

TEST(remembered_names, never_uses_more_memory_than_allowed_and_says_what_it_cost) {
  remembered_names names({.memory = 64_KiB});
  for (std::uint64_t i = 0; i < 5000; ++i) {
    names.remember(number(i), name_of(i), start);
    ASSERT_LE(names.memory(), 64_KiB);
  }
  EXPECT_GT(names.size(), 900U);
  EXPECT_EQ(names.size() + names.forgotten_early(), 5000U);
  EXPECT_TRUE(names.find(number(4999), start)) << "the newest are kept";
  EXPECT_FALSE(names.find(number(0), start)) << "the oldest went first";
}

TEST(remembered_names, bounds_the_memory_of_origins_that_are_all_different) {
  remembered_names names({.memory = 64_KiB});
  for (std::uint64_t i = 0; i < 5000; ++i) {
    names.remember(number(i), name_of(i, std::string(80, 'x') + std::to_string(i)), start);
    ASSERT_LE(names.memory(), 64_KiB);
  }
  const auto last = names.find(number(4999), start);
  ASSERT_TRUE(last);
  EXPECT_TRUE(last->origin.ends_with("4999"));
}

TEST(remembered_names, agrees_with_a_plain_map_through_many_comings_and_goings) {
  remembered_names names({.age = 500s});
  std::map<std::uint64_t, std::uint64_t> model; // number -> seconds of its name
  std::deque<std::pair<steady_time, std::uint64_t>> order;
  std::mt19937_64 random(7);
  steady_time now = start;
  for (int step = 0; step < 20000; ++step) {
    now += std::chrono::seconds(random() % 3);
    while (!order.empty() && now - order.front().first >= 500s) {
      model.erase(order.front().second);
      order.pop_front();
    }
    const std::uint64_t n = random() % 2000;
    if (model.emplace(n, static_cast<std::uint64_t>(step)).second) {
      order.emplace_back(now, n);
    }
    names.remember(number(n), name_of(static_cast<std::uint64_t>(step)), now);
    const std::uint64_t asked = random() % 2000;
    const auto found = names.find(number(asked), now);
    const auto expected = model.find(asked);
    ASSERT_EQ(found.has_value(), expected != model.end());
    if (found) {
      ASSERT_EQ(found->seconds, expected->second);
    }
    ASSERT_EQ(names.size(), model.size());
  }
}

TEST(origin_pool, keeps_each_text_once_and_gives_it_up_with_its_last_user) {
  origin_pool pool;
  const auto a = pool.take("mx1");
  EXPECT_EQ(pool.take("mx1"), a);
  const auto b = pool.take("mx2");
  EXPECT_NE(a, b);
  pool.release(a);
  EXPECT_EQ(pool.text(a), "mx1");
  pool.release(a);
  EXPECT_EQ(pool.take("mx3"), a) << "the number is used again";
  EXPECT_EQ(pool.text(a), "mx3");
  pool.release(a);
  pool.release(b);
  EXPECT_EQ(pool.octets(), 0U);
}
