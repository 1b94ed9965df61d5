// What sendmail.cf says about queues, and what postqueue -j prints.

#include <gtest/gtest.h>

#include "lib/mta_queue/postfix_queue.hpp"
#include "lib/mta_queue/sendmail_settings.hpp"

namespace homeward::mta_queue {
namespace {

TEST(sendmail_settings, queue_groups_and_their_directories) {
  const auto groups = queue_groups_of("# O QueueDirectory=/nowhere\n"
                                      "O  queuedirectory = /var/spool/mqueue/q*\n"
                                      "Qstore, Path=/var/spool/mqueue/store/q*, Flags=f\n"
                                      "Qremote,P=remote/q*,F=f\n"
                                      "Qplain, R=4\n"
                                      "Mlocal, P=[IPC], Q=store\n");
  ASSERT_EQ(groups.size(), 4U);
  EXPECT_EQ(groups[0].name, "mqueue");
  EXPECT_EQ(groups[0].pattern, "/var/spool/mqueue/q*");
  EXPECT_EQ(groups[1].name, "store");
  EXPECT_EQ(groups[1].pattern, "/var/spool/mqueue/store/q*");
  EXPECT_EQ(groups[2].pattern, "/var/spool/mqueue/remote/q*");
  EXPECT_EQ(groups[3].pattern, "/var/spool/mqueue/q*");
}

TEST(sendmail_settings, paths_of_queue_groups_forbid_another_queue_directory) {
  EXPECT_TRUE(has_fixed_queue_paths("O QueueDirectory=/q\nQstore, Path=/q/s*\n"));
  EXPECT_FALSE(has_fixed_queue_paths("O QueueDirectory=/q\nQmqueue, F=f\nMlocal, P=[IPC]\n"));
}

TEST(sendmail_settings, of_the_group_that_every_sendmail_has) {
  const auto groups =
      queue_groups_of("O QueueDirectory=/var/spool/mqueue\nQmqueue, Path=/var/spool/mqueue/q*\n");
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_EQ(groups[0].pattern, "/var/spool/mqueue/q*");
  EXPECT_TRUE(queue_groups_of("").empty());
  EXPECT_TRUE(queue_groups_of("Qlonely\n").empty());
}

// Printed by Postfix 3.7.11.
constexpr const char* postqueue_line =
    R"({"queue_name": "deferred", "queue_id": "4TqXyz0abcz1", "arrival_time": 1795196306, )"
    R"("message_size": 327, "forced_expire": false, "sender": "a@example.org", )"
    R"("recipients": [{"address": "u1@example.org", "delay_reason": "connect to x: refused"}, )"
    R"({"address": "u2@example.org"}]})";

TEST(postfix_queue, a_line_of_postqueue) {
  const auto m = parse_postqueue_line(postqueue_line, "/var/spool/postfix", "-").value();
  EXPECT_EQ(m.id, "4TqXyz0abcz1");
  EXPECT_EQ(m.directory, "/var/spool/postfix/deferred");
  EXPECT_EQ(m.group, "-");
  EXPECT_EQ(m.arrived, 1795196306);
  EXPECT_EQ(m.state, waiting_state::waiting);
  ASSERT_EQ(m.recipients.size(), 2U);
  EXPECT_EQ(m.recipients[0].reason, "connect to x: refused");
  EXPECT_EQ(m.recipients[1].reason, "");
}

TEST(postfix_queue, other_lines_are_refused) {
  for (const char* line : {"", "Mail queue is empty", "[]", "{}", R"({"queue_name": 5})", "{\"a",
                           R"({"queue_name": "hold", "queue_id": 7})"}) {
    EXPECT_TRUE(parse_postqueue_line(line, "/q", "-").has_error()) << line;
  }
  EXPECT_EQ(
      parse_postqueue_line(R"({"queue_name": "hold", "queue_id": "7", "recipients": 3})", "/q", "-")
          ->state,
      waiting_state::held);
}

} // namespace
} // namespace homeward::mta_queue
