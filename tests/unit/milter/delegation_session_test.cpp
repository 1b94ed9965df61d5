#include <memory>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/clock.hpp"

#include "milter/delegation/session.hpp"
#include "tests/unit/milter/known_facts.hpp"

namespace homeward::milter::delegation {
namespace {

using standing = recipient_standing;

recipient_facts mailbox_with(std::uint64_t used, std::uint64_t limit) {
  return {.standing = standing::known,
          .mailbox = "full@example.org",
          .store = "store1",
          .partition = "mail1",
          .usage = mailbox_usage{byte_count{used}, byte_count{limit}}};
}

class delegation_session : public testing::Test {
 protected:
  delegation_session() {
    known_.by_address["ann@example.org"] = {.standing = standing::known};
    known_.by_address["nobody@example.org"] = {.standing = standing::unknown};
    known_.by_address["gone@example.org"] = {.standing = standing::disabled};
    known_.by_address["full@example.org"] = mailbox_with(100, 100);
    known_.by_address["near@example.org"] = mailbox_with(60, 100);
    known_.by_address["away@example.org"] = {.standing = standing::known,
                                             .store_up = store_health::down};
    known_.by_address["when@example.org"] = {.standing = standing::unavailable};
  }

  [[nodiscard]] std::shared_ptr<const judgement> judge() {
    return std::make_shared<const judgement>(
        judgement_parts{known_, rate_, [this] { return rules_; }, counted_});
  }
  // The action for one request with these attributes, "state recipient" and further lines.
  [[nodiscard]] std::string action(const std::string& state, const std::string& recipient,
                                   const std::string& more = {}) {
    session s(judge());
    std::string out;
    const std::string text = question(state, recipient, more);
    EXPECT_EQ(s.receive(text, out), text.size());
    EXPECT_TRUE(out.starts_with("action=") && out.ends_with("\n\n")) << out;
    return out.substr(7, out.size() - 9);
  }
  [[nodiscard]] static std::string question(const std::string& state, const std::string& recipient,
                                            const std::string& more = {}) {
    return fmt::format("request=smtpd_access_policy\nprotocol_state={}\nsender=bob@example.net\n"
                       "client_address=192.0.2.7\nrecipient={}\n{}\n",
                       state, recipient, more);
  }

  tests::known_facts known_;
  system_clock_source clock_;
  sender_rate rate_{clock_};
  rules rules_;
  counted_messages counted_;
};

TEST_F(delegation_session, says_at_rcpt_what_the_milter_says) {
  EXPECT_EQ(action("RCPT", "ann@example.org"), "DUNNO");
  EXPECT_EQ(action("RCPT", "x@elsewhere.example"), "DUNNO");
  EXPECT_EQ(action("RCPT", "nobody@example.org"), "550 5.1.1 no such user here");
  EXPECT_EQ(action("RCPT", "gone@example.org"), "550 5.2.1 this mailbox is disabled");
  EXPECT_EQ(action("RCPT", "full@example.org"), "452 4.2.2 the mailbox is full; try again later");
  EXPECT_EQ(action("RCPT", "when@example.org"),
            "451 4.3.0 the user directory is not available; try again later");
  EXPECT_EQ(action("RCPT", "away@example.org"), "DUNNO");
  rules_.store_down = reaction::try_later;
  rules_.full_mailbox = reaction::refuse;
  EXPECT_EQ(action("RCPT", "away@example.org").substr(0, 9), "451 4.3.0");
  EXPECT_EQ(action("RCPT", "full@example.org").substr(0, 9), "552 5.2.2");
}

TEST_F(delegation_session, what_is_no_address_passes) {
  for (const char* recipient : {"", "a b@c", "@example.org", "\xff@example.org"}) {
    EXPECT_EQ(action("RCPT", recipient), "DUNNO");
  }
}

TEST_F(delegation_session, judges_with_the_size_that_is_known) {
  EXPECT_EQ(action("RCPT", "near@example.org"), "DUNNO");
  EXPECT_EQ(action("RCPT", "near@example.org", "size=41\n").substr(0, 9), "452 4.2.2");
  EXPECT_EQ(action("END-OF-MESSAGE", "near@example.org", "size=40\nrecipient_count=1\n"), "DUNNO");
  EXPECT_EQ(action("END-OF-MESSAGE", "near@example.org", "size=41\nrecipient_count=1\n"),
            "452 4.2.2 the mailbox is full; try again later");
  EXPECT_EQ(action("END-OF-MESSAGE", "", "size=999\nrecipient_count=2\n"), "DUNNO")
      << "one of several may have room";
}

TEST_F(delegation_session, other_states_pass_and_verify_is_answered) {
  for (const char* state : {"CONNECT", "EHLO", "HELO", "MAIL", "DATA", "ETRN", "BDAT", "rcpt"}) {
    EXPECT_EQ(action(state, "nobody@example.org"), "DUNNO") << state;
  }
  EXPECT_EQ(action("VRFY", "nobody@example.org").substr(0, 9), "550 5.1.1");
}

TEST_F(delegation_session, counts_a_recipient_of_a_message_once) {
  rate_.set_limit({.recipients = 2});
  const std::string first = "instance=1.1.1\n";
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(action("RCPT", "ann@example.org", first), "DUNNO");
  }
  EXPECT_EQ(action("END-OF-MESSAGE", "ann@example.org", first + "recipient_count=1\n"), "DUNNO");
  EXPECT_EQ(action("RCPT", "away@example.org", first), "DUNNO");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(action("RCPT", "near@example.org", first).substr(0, 9), "450 4.7.1")
        << "and asking again does not help";
  }
  EXPECT_EQ(action("RCPT", "ann@example.org", "instance=2.2.2\n").substr(0, 9), "450 4.7.1");
  EXPECT_EQ(action("VRFY", "ann@example.org", "instance=3.3.3\n"), "DUNNO") << "not counted";
}

TEST_F(delegation_session, counts_all_recipients_at_the_end_when_it_was_not_asked_before) {
  rate_.set_limit({.recipients = 3});
  EXPECT_EQ(action("END-OF-MESSAGE", "", "instance=1.1.1\nrecipient_count=4\n").substr(0, 9),
            "450 4.7.1");
  EXPECT_EQ(action("END-OF-MESSAGE", "ann@example.org",
                   "instance=2.2.2\nrecipient_count=18446744073709551615\n")
                .substr(0, 9),
            "450 4.7.1");
}

TEST_F(delegation_session, without_an_instance_every_question_counts) {
  rate_.set_limit({.recipients = 1});
  EXPECT_EQ(action("RCPT", "ann@example.org"), "DUNNO");
  EXPECT_EQ(action("END-OF-MESSAGE", "ann@example.org"), "DUNNO");
  EXPECT_EQ(action("RCPT", "ann@example.org").substr(0, 9), "450 4.7.1");
}

TEST_F(delegation_session, answers_in_order_however_the_octets_come) {
  const std::string stream = question("RCPT", "ann@example.org") +
                             question("RCPT", "nobody@example.org") +
                             question("RCPT", "full@example.org");
  for (std::size_t step = 1; step < stream.size(); step += 3) {
    session s(judge());
    std::string out;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      const std::string_view piece = std::string_view(stream).substr(at, step);
      EXPECT_EQ(s.receive(piece, out), piece.size());
    }
    EXPECT_EQ(out, "action=DUNNO\n\naction=550 5.1.1 no such user here\n\n"
                   "action=452 4.2.2 the mailbox is full; try again later\n\n");
    EXPECT_TRUE(s.idle());
  }
}

TEST_F(delegation_session, what_cannot_be_read_is_not_let_through) {
  session s(judge());
  std::string out;
  const std::string stream = question("RCPT", "ann@example.org") + "EHLO x\r\nMAIL FROM:<>\r\n";
  EXPECT_LT(s.receive(stream, out), stream.size());
  EXPECT_EQ(out, "action=DUNNO\n\n"
                 "action=451 4.3.0 the policy request cannot be read; try again later\n\n");
  EXPECT_TRUE(s.ended());
  EXPECT_EQ(s.receive("more", out), 0U);
}

TEST_F(delegation_session, output_is_bounded_while_the_client_does_not_read) {
  std::string stream;
  for (int i = 0; i < 5000; ++i) {
    stream += question("RCPT", "nobody@example.org");
  }
  session s(judge());
  std::size_t taken = 0;
  std::size_t answers = 0;
  while (taken < stream.size()) {
    std::string out;
    taken += s.receive(std::string_view(stream).substr(taken), out);
    EXPECT_LT(out.size(), answering::enough_output + 1000);
    answers += out.size() / std::string("action=550 5.1.1 no such user here\n\n").size();
  }
  EXPECT_EQ(answers, 5000U);
}

TEST(counted_messages, are_forgotten_oldest_first) {
  counted_messages c(4); // two entries for the first recipient of a message
  c.add("1", "a");
  c.add("1", "a");
  c.add("1", "b");
  EXPECT_EQ(c.size(), 3U);
  EXPECT_TRUE(c.has("1", "a") && c.has("1", "b") && c.has_any("1"));
  EXPECT_FALSE(c.has("2", "a") || c.has_any("2"));
  c.add("2", "a");
  EXPECT_EQ(c.size(), 4U);
  EXPECT_FALSE(c.has_any("1"));
  EXPECT_TRUE(c.has("1", "a") && c.has("2", "a"));
  c.add("", "a");
  EXPECT_FALSE(c.has("", "a"));
}

TEST(policy_action, is_one_printable_line) {
  EXPECT_EQ(action_for(pass{}), "DUNNO");
  EXPECT_EQ(action_for(refuse{{.code = mail::reply_550_no_such_user, .text = "a\nb"}}).find('\n'),
            std::string::npos);
  EXPECT_EQ(action_for(refuse{{.code = mail::reply_550_no_such_user, .text = "a\tb"}}),
            "550 5.1.1 a\\tb");
}

} // namespace
} // namespace homeward::milter::delegation
