// Envelopes as sendmail 8.17 writes them.

#include <gtest/gtest.h>

#include "lib/mta_queue/queue_file.hpp"

namespace homeward::mta_queue {
namespace {

// Written by sendmail 8.17.1 (Debian 12), after one attempt.
constexpr const char* tried =
    "V8\nT1795196306\nK1795196310\nN1\nP150038\nI254/0/5358039\n"
    "MDeferred: No such file or directory\nFs\n$_localhost [127.0.0.1]\n$rESMTP\n$s[127.0.0.1]\n"
    "${daemon_flags}\nS<a@example.org>\n"
    "MDeferred: Connection refused by store1.\nrRFC822; u1@example.org\nRPFD:<u1@example.org>\n"
    "rRFC822; u2+x@example.org\nRPFD:<u2+x@example.org>\n"
    "H?P?Return-Path: <\x81g>\n"
    "H??Received: from [127.0.0.1] (localhost [127.0.0.1])\n\tby mx.example.org;\n"
    "\tFri, 20 Nov 2026 17:38:26 GMT\nH??Subject: x\nH??From: a@example.org\n"
    ".\n";

TEST(queue_file, of_sendmail_8_17) {
  const queue_file q = parse_queue_file(tried).value();
  EXPECT_EQ(q.version, 8);
  EXPECT_EQ(q.created, 1795196306);
  EXPECT_EQ(q.last_try, 1795196310);
  EXPECT_EQ(q.tries, 1U);
  EXPECT_EQ(q.priority, 150038);
  EXPECT_EQ(q.sender, "a@example.org");
  EXPECT_EQ(q.status, "Deferred: No such file or directory");
  EXPECT_EQ(q.flags, "s");
  EXPECT_TRUE(q.complete);
  EXPECT_FALSE(q.has_data_elsewhere);
  ASSERT_EQ(q.recipients.size(), 2U);
  EXPECT_EQ(q.recipients[0].address, "u1@example.org");
  EXPECT_EQ(q.recipients[0].status, "Deferred: Connection refused by store1.");
  EXPECT_EQ(q.recipients[1].address, "u2+x@example.org");
  EXPECT_EQ(q.recipients[1].status, "");
}

TEST(queue_file, that_breaks_off_anywhere_is_not_complete) {
  const std::string_view whole = tried;
  for (std::size_t length = 2; length < whole.size(); ++length) {
    const auto q = parse_queue_file(whole.substr(0, length));
    ASSERT_TRUE(q.has_value()) << length;
    EXPECT_FALSE(q->complete) << length;
  }
  EXPECT_FALSE(parse_queue_file(std::string(whole) + "S<again@example.org>\n")->complete);
}

TEST(queue_file, knows_quarantine_bounces_and_a_df_elsewhere) {
  const queue_file q =
      parse_queue_file("V8\nT5\nqspam of Monday\nd/var/spool/mqueue/q2\nS<>\n"
                       "RPFD:|/usr/bin/procmail\nR:ann\nRroot\nRPFD:\"a:b\"@c\n.\n")
          .value();
  EXPECT_EQ(q.quarantined, "spam of Monday");
  EXPECT_TRUE(q.has_data_elsewhere);
  EXPECT_EQ(q.sender, "");
  ASSERT_EQ(q.recipients.size(), 4U);
  EXPECT_EQ(q.recipients[0].address, "|/usr/bin/procmail");
  EXPECT_EQ(q.recipients[1].address, "ann");
  EXPECT_EQ(q.recipients[2].address, "root");
  EXPECT_EQ(q.recipients[3].address, "\"a:b\"@c");
}

TEST(queue_file, of_something_else_is_refused) {
  for (const char* text : {"", "V", "Vx\n.\n", "X8\n.\n", ".\n", "\n"}) {
    EXPECT_TRUE(parse_queue_file(text).has_error()) << text;
  }
  EXPECT_EQ(parse_queue_file("V99999999999999999999\n.\n")->version, 0);
}

TEST(file_names, have_a_kind_and_an_id) {
  for (const file_kind kind : {file_kind::envelope, file_kind::quarantined, file_kind::lost,
                               file_kind::data, file_kind::transcript, file_kind::temporary}) {
    const std::string name = name_of(kind, "6AKHcQKt026542");
    EXPECT_EQ(parse_file_name(name).kind, kind) << name;
    EXPECT_EQ(parse_file_name(name).id, "6AKHcQKt026542") << name;
  }
  EXPECT_EQ(name_of(file_kind::lost, "1"), "Qf1");
  for (const char* name : {"", "qf", "q", "hw1", "Df1", ".qf1", "core"}) {
    EXPECT_EQ(parse_file_name(name).kind, file_kind::other) << name;
  }
}

} // namespace
} // namespace homeward::mta_queue
