#include <string>

#include <gtest/gtest.h>

#include "lib/mail/reply.hpp"

using namespace homeward;
using namespace homeward::mail;

TEST(reply, is_written_with_code_and_enhanced_code) {
  EXPECT_EQ(encode({reply_250_ok, "OK"}), "250 2.0.0 OK\r\n");
  EXPECT_EQ(encode({reply_354_send_message, "go on"}), "354 go on\r\n");
  EXPECT_EQ(encode({reply_250_lhlo, "mx\nPIPELINING\nSIZE 1"}),
            "250-mx\r\n250-PIPELINING\r\n250 SIZE 1\r\n");
  EXPECT_EQ(encode({reply_214_help, "a\nb"}), "214-2.0.0 a\r\n214 2.0.0 b\r\n");
  EXPECT_EQ(encode({reply_250_ok, ""}), "250 2.0.0 \r\n");
}

TEST(reply, cannot_be_forged_by_text_in_it) {
  EXPECT_EQ(encode({reply_550_no_such_user, "a\r250 2.0.0 b\x01\xff"}),
            "550 5.1.1 a\\r250 2.0.0 b\\x01\\xff\r\n");
}

TEST(reply, line_is_never_longer_than_the_standard_allows) {
  for (const std::string filling : {"x", "\xff", "\xc3\xbc", "\xec\x95\x88", "\\"}) {
    std::string text;
    while (text.size() < 2000) {
      text += filling;
    }
    const std::string line = encode({reply_250_ok, text});
    EXPECT_LE(line.size(), longest_reply_line) << filling;
    EXPECT_GE(line.size(), longest_reply_line - 4) << filling;
    EXPECT_TRUE(line.ends_with("\r\n"));
  }
  // No half of a UTF-8 sequence at the cut.
  const std::string line = encode({reply_250_ok, std::string(501, 'x') + "\xc3\xbc"});
  EXPECT_EQ(line.find('\xc3'), std::string::npos);
}

TEST(reply, enhanced_class_is_that_of_the_code) {
  for (const reply_code c : {reply_214_help,
                             reply_221_bye,
                             reply_250_ok,
                             reply_250_stored,
                             reply_250_sender_ok,
                             reply_250_recipient_ok,
                             reply_252_cannot_verify,
                             reply_421_timed_out,
                             reply_421_shutting_down,
                             reply_421_too_busy,
                             reply_421_too_many_errors,
                             reply_421_too_much_data,
                             reply_451_temporary_fault,
                             reply_451_configuration_fault,
                             reply_451_unknown_outcome,
                             reply_452_mailbox_full,
                             reply_452_storage_full,
                             reply_452_too_many_recipients,
                             reply_500_unknown_command,
                             reply_500_bad_line,
                             reply_501_bad_argument,
                             reply_501_bad_recipient,
                             reply_501_bad_sender,
                             reply_503_bad_sequence,
                             reply_550_no_such_user,
                             reply_552_mailbox_full,
                             reply_552_message_too_big,
                             reply_553_needs_smtputf8,
                             reply_554_cannot_store,
                             reply_555_unknown_parameter}) {
    EXPECT_EQ(c.status_class, c.code / 100) << c.code; // RFC 2034 4
  }
}

TEST(reply_for, is_permanent_only_for_what_is_not_our_fault) {
  const reply_policy gentle;
  for (unsigned r = 1; r <= 10; ++r) {
    failure f;
    f.reason = static_cast<failure_reason>(r);
    f.kind = failure_kind::transient;
    EXPECT_TRUE(reply_for(f, gentle).code.is_transient()) << r;
    f.kind = failure_kind::unknown_outcome;
    EXPECT_EQ(reply_for(f, gentle).code, reply_451_unknown_outcome) << r;
    f.kind = failure_kind::permanent;
    const bool may_bounce = f.reason == failure_reason::no_user ||
                            f.reason == failure_reason::too_big || f.reason == failure_reason::perm;
    EXPECT_EQ(reply_for(f, gentle).code.is_permanent(), may_bounce) << r;
    EXPECT_FALSE(reply_for(f, gentle).code.ends_connection()) << r;
  }
}

TEST(reply_for, says_what_happened_and_keeps_the_cause_to_itself) {
  failure f =
      transient_failure("the store cannot be reached", "connect 10.1.2.3: refused", "Start it.");
  EXPECT_EQ(reply_for(f, {}),
            (reply{reply_451_temporary_fault, "the store cannot be reached; try again later"}));
  f.what.clear();
  EXPECT_EQ(reply_for(f, {}).text, "temporary fault; try again later");
  f.what = "two\nlines";
  EXPECT_EQ(reply_for(f, {}).text, "two lines; try again later");
  EXPECT_NE(reply_for(unknown_outcome("lost"), {}).text.find("duplicate"), std::string::npos);
}

TEST(reply_for, follows_the_policy_for_a_full_mailbox) {
  const failure f{.reason = failure_reason::quota, .what = "the mailbox is full"};
  EXPECT_EQ(reply_for(f, {}).code, reply_452_mailbox_full);
  const reply strict = reply_for(f, {.mailbox_full_is_permanent = true});
  EXPECT_EQ(strict, (reply{reply_552_mailbox_full, "the mailbox is full"}));
}
