// What waits, counted.

#include <gtest/gtest.h>

#include "lib/mta_queue/queue_scan.hpp"
#include "lib/mta_queue/queue_summary.hpp"

#include "tests/unit/mta_queue/queue_fixture.hpp"

namespace homeward::mta_queue {
namespace {

TEST(reasons, differ_by_what_is_wrong_and_not_by_whom_it_hit) {
  EXPECT_EQ(reason_of("Deferred: 451 4.3.0 <u1@example.org> store1 is down"),
            reason_of("Deferred: 451 4.3.0 <u22@example.org> store1 is down"));
  EXPECT_EQ(reason_of("Deferred: Connection refused by store1."), "Connection refused by store1.");
  EXPECT_EQ(reason_of("host mx[10.0.0.1] said: 450 4.7.1 try later (6AKHcQKt026542)"),
            "host mx[10.0.0.1] said: 450 4.7.1 try later (<id>)");
  EXPECT_NE(reason_of("reply: 451"), reason_of("reply: 452"));
  EXPECT_EQ(reason_of(""), "not tried yet");
  EXPECT_EQ(reason_of("<>"), "<>");
  EXPECT_LE(reason_of(std::string(5000, 'x')).size(), 200U);
}

TEST(summary, counts_by_directory_destination_and_reason) {
  queue_summary s([](const std::string& address) {
    return address.ends_with("@example.org") ? std::string("store1/mail1") : std::string("outside");
  });
  s.add_directory("tier2", "/q2");
  s.add({.id = "A",
         .directory = "/q1",
         .group = "tier1",
         .arrived = 500,
         .recipients = {{"a@example.org", "Deferred: down"},
                        {"b@example.org", "Deferred: down"},
                        {"c@example.net", ""}}});
  s.add(
      {.id = "B", .directory = "/q1", .group = "tier1", .arrived = 400, .recipients = {{"x", ""}}});
  s.add({.id = "C", .directory = "/q1", .group = "tier1", .state = waiting_state::lost});
  ASSERT_EQ(s.directories().size(), 2U);
  EXPECT_EQ(s.directories()[0].messages, 0U);
  EXPECT_EQ(s.directories()[1].messages, 3U);
  EXPECT_EQ(s.directories()[1].recipients, 4U);
  EXPECT_EQ(s.directories()[1].untried, 2U);
  EXPECT_EQ(s.directories()[1].lost, 1U);
  EXPECT_EQ(s.directories()[1].oldest, 400);
  EXPECT_EQ(s.total().messages, 3U);
  const auto destinations = s.destinations();
  ASSERT_EQ(destinations.size(), 2U);
  EXPECT_EQ(destinations[0].destination, "outside");
  EXPECT_EQ(destinations[0].messages, 2U);
  EXPECT_EQ(destinations[1].destination, "store1/mail1");
  EXPECT_EQ(destinations[1].messages, 1U);
  EXPECT_EQ(destinations[1].recipients, 2U);
  EXPECT_EQ(destinations[1].oldest, 500);
  const auto reasons = s.reasons();
  ASSERT_EQ(reasons.size(), 2U);
  EXPECT_EQ(reasons[0].recipients, 2U);
  EXPECT_EQ(reasons[0].example, "A");
}

class scan_test : public test::queue_fixture {};

TEST_F(scan_test, reads_every_envelope_and_says_what_cannot_be_read) {
  sendmail.receive("/one/q1", "A", 1234);
  put("/one/q1", "hfB", "V8\nT5\nK6\nN1\nMDeferred: all\nqno good\nS<>\nRPFD:<b@example.org>\n.\n");
  put("/one/q1", "qfC", "rubbish");
  put("/one/q1", "qfD", "V8\nT7\nK8\nN2\nMDeferred: all\nS<>\nRPFD:<d@example.org>\n.\n");
  std::map<std::string, waiting_message> found;
  ASSERT_TRUE(scan_queue(disk, at("/one/q1"), "g", [&](waiting_message m) {
                const std::string id = m.id;
                found[id] = std::move(m);
              }).has_value());
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found["A"].arrived, 1234);
  EXPECT_EQ(found["A"].recipients[0].reason, "");
  EXPECT_EQ(found["B"].state, waiting_state::held);
  EXPECT_EQ(found["B"].recipients[0].reason, "quarantined: no good");
  EXPECT_EQ(found["C"].state, waiting_state::lost);
  EXPECT_EQ(found["D"].recipients[0].reason, "Deferred: all");
}

} // namespace
} // namespace homeward::mta_queue
