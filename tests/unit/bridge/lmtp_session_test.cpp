// What transcripts cannot say: how replies are grouped, what is copied, what is bounded.
#include <string>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "lmtp-bridge/lmtp/session.hpp"
#include "tests/transcripts/lmtp/scripted_session.hpp"

using namespace homeward;
using transcripts::scene;
using transcripts::scripted_session;

namespace {

// Everybody is accepted under their own name.
class open_house final : public lmtp::recipient_policy {
 public:
  [[nodiscard]] result<lmtp::accepted_recipient> accept(const mail::address& path) const override {
    ++asked;
    return lmtp::accepted_recipient{.mailbox = mail::to_string(path), .token = asked};
  }
  mutable std::uint64_t asked = 0;
};

std::vector<lmtp::action> drain(lmtp::session& s) {
  std::vector<lmtp::action> all;
  while (auto a = s.next_action()) {
    all.push_back(std::move(*a));
  }
  return all;
}

// The kinds of the actions, one letter each: Send, Begin, chUnk, End, Discard, Close.
std::string kinds(const std::vector<lmtp::action>& all) {
  std::string text;
  for (const lmtp::action& a : all) {
    text += "SBUEDC"[a.index()];
  }
  return text;
}

std::size_t lines_in(std::string_view text) {
  std::size_t lines = 0;
  for (const char c : text) {
    lines += c == '\n' ? 1 : 0;
  }
  return lines;
}

const std::string to_three = "LHLO mta\r\nMAIL FROM:<a@x>\r\nRCPT TO:<a@y>\r\nRCPT TO:<b@y>\r\n"
                             "RCPT TO:<c@y>\r\nDATA\r\n";

} // namespace

TEST(lmtp_session, answers_one_batch_with_one_send) {
  const open_house policy;
  lmtp::session s({}, policy);
  s.start();
  EXPECT_EQ(kinds(drain(s)), "S");
  EXPECT_EQ(s.receive(to_three), to_three.size());
  const auto actions = drain(s);
  ASSERT_EQ(kinds(actions), "BS");
  EXPECT_EQ(lines_in(std::get<lmtp::send>(actions[1]).octets), 7U + 5U);
}

TEST(lmtp_session, sends_all_outcomes_of_a_message_at_once) {
  scene three;
  for (const char* const name : {"a@y", "b@y", "c@y"}) {
    three.policy.answers.emplace(name, lmtp::accepted_recipient{.mailbox = name});
  }
  scripted_session s(three);
  s.feed(to_three);
  s.feed("x\r\n.\r\n");
  EXPECT_EQ(lines_in(s.sends().back()), 3U);
}

TEST(lmtp_session, answers_before_it_waits_for_a_delivery) {
  const open_house policy;
  lmtp::session s({}, policy);
  s.start();
  drain(s);
  const std::string all = to_three + "x\r\n.\r\nQUIT\r\n";
  const std::size_t taken = s.receive(all);
  EXPECT_EQ(all.substr(taken), "QUIT\r\n"); // behind the end nothing is taken
  EXPECT_EQ(kinds(drain(s)), "BUSE");
  EXPECT_FALSE(s.wants_input());
  EXPECT_EQ(s.receive("NOOP\r\n"), 0U);
  EXPECT_EQ(kinds(drain(s)), "");
}

TEST(lmtp_session, hands_out_the_message_without_copying) {
  const open_house policy;
  lmtp::session s({}, policy);
  s.start();
  (void)s.receive(to_three);
  drain(s);
  const std::string body = "Subject: x\r\n\r\nHello\r\n";
  (void)s.receive(body);
  const auto actions = drain(s);
  ASSERT_EQ(kinds(actions), "U");
  EXPECT_EQ(std::get<lmtp::body_chunk>(actions[0]).octets.data(), body.data());
  EXPECT_EQ(std::get<lmtp::body_chunk>(actions[0]).octets.size(), body.size());
}

TEST(lmtp_session, envelope_has_the_tokens_of_the_policy_and_one_entry_a_mailbox) {
  const open_house policy;
  lmtp::session s({}, policy);
  s.start();
  (void)s.receive("LHLO mta\r\nMAIL FROM:<>\r\nRCPT TO:<b@y>\r\nRCPT TO:<a@y>\r\nRCPT TO:<b@y>\r\n"
                  "RCPT TO:<c@y>\r\nRCPT TO:<a@y>\r\nDATA\r\n");
  const auto actions = drain(s);
  const auto& about = std::get<lmtp::begin_message>(actions[1]).about;
  std::string text;
  for (const lmtp::recipient& r : about.recipients) {
    text += fmt::format("{}={} ", r.mailbox, r.token);
  }
  EXPECT_EQ(text, "b@y=1 a@y=2 c@y=4 ");
  EXPECT_EQ(about.transaction, 1U);
}

TEST(lmtp_session, gives_every_repeated_recipient_the_outcome_of_its_mailbox) {
  const open_house policy;
  lmtp::session s({}, policy);
  s.start();
  (void)s.receive("LHLO mta\r\nMAIL FROM:<>\r\nRCPT TO:<b@y>\r\nRCPT TO:<a@y>\r\nRCPT TO:<b@y>\r\n"
                  "RCPT TO:<c@y>\r\nRCPT TO:<a@y>\r\nDATA\r\n.\r\n");
  drain(s);
  s.on(lmtp::delivery_finished{.transaction = 1,
                               .outcomes = {{mail::reply_250_stored, "one"},
                                            {mail::reply_452_mailbox_full, "two"},
                                            {mail::reply_250_stored, "three"}}});
  const auto actions = drain(s);
  ASSERT_EQ(kinds(actions), "S");
  EXPECT_EQ(std::get<lmtp::send>(actions[0]).octets,
            "250 2.0.0 <b@y> one\r\n452 4.2.2 <a@y> two\r\n250 2.0.0 <b@y> one\r\n"
            "250 2.0.0 <c@y> three\r\n452 4.2.2 <a@y> two\r\n");
}

TEST(lmtp_session, takes_a_thousand_recipients_and_answers_each) {
  const open_house policy;
  lmtp::session s({}, policy);
  s.start();
  std::string input = "LHLO mta\r\nMAIL FROM:<a@x>\r\n";
  for (int i = 0; i < 1001; ++i) {
    input += fmt::format("RCPT TO:<user{}@y>\r\n", i);
  }
  input += "DATA\r\n.\r\n";
  std::string said;
  std::size_t deliveries = 0;
  std::string_view rest = input;
  while (!rest.empty()) {
    rest.remove_prefix(s.receive(rest));
    for (auto& a : drain(s)) {
      if (auto* sent = std::get_if<lmtp::send>(&a)) {
        said += sent->octets;
      } else if (auto* begun = std::get_if<lmtp::begin_message>(&a)) {
        deliveries = begun->about.recipients.size();
      }
    }
  }
  EXPECT_EQ(policy.asked, 1000U);
  EXPECT_EQ(deliveries, 1000U);
  EXPECT_NE(said.find("452 4.5.3 <user1000@y>"), std::string::npos);
  s.on(lmtp::delivery_finished{
      .transaction = 1,
      .outcomes = std::vector<mail::reply>(1000, {mail::reply_250_stored, "stored"})});
  const auto actions = drain(s);
  ASSERT_EQ(kinds(actions), "S");
  EXPECT_EQ(lines_in(std::get<lmtp::send>(actions[0]).octets), 1000U);
}

TEST(lmtp_session, bounds_what_it_queues_for_one_input) {
  const open_house policy;
  lmtp::session s({}, policy);
  s.start();
  (void)s.receive(to_three);
  drain(s);
  std::string dots;
  for (int i = 0; i < 10000; ++i) {
    dots += "..\r\n";
  }
  std::string_view rest = dots;
  std::string body;
  while (!rest.empty()) {
    const std::size_t taken = s.receive(rest);
    ASSERT_GT(taken, 0U);
    rest.remove_prefix(taken);
    const auto actions = drain(s);
    EXPECT_LE(actions.size(), 65U);
    for (const lmtp::action& a : actions) {
      body += std::get<lmtp::body_chunk>(a).octets;
    }
  }
  EXPECT_EQ(body.size(), 30000U);
  EXPECT_EQ(body.find(".."), std::string::npos);
}

TEST(lmtp_session, keeps_no_more_of_a_line_than_the_limit) {
  const open_house policy;
  lmtp::session s({.bounds = {.command_line = 100}}, policy);
  s.start();
  drain(s);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(s.receive(std::string(1000, 'x')), 1000U);
    EXPECT_EQ(kinds(drain(s)), "");
  }
  EXPECT_EQ(s.receive("\r\n"), 2U);
  EXPECT_EQ(std::get<lmtp::send>(drain(s).at(0)).octets, "500 5.5.2 the line is too long\r\n");
}

TEST(lmtp_session, has_a_time_limit_and_words_for_every_state) {
  const open_house policy;
  lmtp::session s({.bounds = {.command_time = std::chrono::seconds(7),
                              .message_time = std::chrono::seconds(5)}},
                  policy);
  s.start();
  EXPECT_EQ(s.where(), lmtp::state::connected);
  EXPECT_EQ(s.deadline().limit, std::chrono::seconds(7));
  (void)s.receive("LHLO mta\r\n");
  EXPECT_EQ(s.where(), lmtp::state::ready);
  (void)s.receive("MAIL FROM:<a@x>\r\nRCPT TO:<a@y>\r\n");
  EXPECT_EQ(s.where(), lmtp::state::envelope);
  EXPECT_EQ(s.deadline().limit, std::chrono::seconds(7));
  (void)s.receive("DATA\r\n");
  EXPECT_EQ(s.deadline().limit, std::chrono::seconds(5));
  EXPECT_FALSE(s.deadline().duplicate_possible);
  (void)s.receive(".\r\n");
  EXPECT_EQ(s.where(), lmtp::state::delivering);
  EXPECT_FALSE(s.deadline().limit.has_value());
  EXPECT_TRUE(s.deadline().duplicate_possible);
  EXPECT_NE(s.deadline().phrase.find("more than once"), std::string::npos);
}

TEST(lmtp_session, says_when_a_peer_should_be_answered_slowly) {
  const open_house policy;
  lmtp::session s({.bounds = {.errors = 5, .errors_until_slow = 2}}, policy);
  s.start();
  (void)s.receive("FOO\r\n");
  EXPECT_FALSE(s.should_answer_slowly());
  (void)s.receive("FOO\r\n");
  EXPECT_TRUE(s.should_answer_slowly());
}

TEST(lmtp_session, can_be_turned_away) {
  const open_house policy;
  lmtp::session s({}, policy);
  s.turn_away("too many connections; try again later");
  const auto actions = drain(s);
  ASSERT_EQ(kinds(actions), "SC");
  EXPECT_EQ(std::get<lmtp::send>(actions[0]).octets,
            "421 4.3.2 too many connections; try again later\r\n");
  EXPECT_EQ(s.receive("LHLO x\r\n"), 0U);
}

TEST(lmtp_session, says_nothing_after_close) {
  const open_house policy;
  lmtp::session s({}, policy);
  s.start();
  EXPECT_EQ(s.receive("QUIT\r\nNOOP\r\n"), 6U);
  EXPECT_EQ(kinds(drain(s)), "SSC");
  s.on(lmtp::timed_out{});
  s.on(lmtp::peer_closed{});
  s.on(lmtp::shutting_down{});
  s.on(lmtp::delivery_finished{});
  EXPECT_EQ(kinds(drain(s)), "");
}

TEST(lmtp_session, one_outcome_too_many_is_nobodys) {
  const open_house policy;
  lmtp::session s({}, policy);
  s.start();
  (void)s.receive("LHLO mta\r\nMAIL FROM:<>\r\nRCPT TO:<b@y>\r\nDATA\r\n.\r\n");
  drain(s);
  const mail::reply stored{mail::reply_250_stored, "stored"};
  s.on(lmtp::delivery_finished{.transaction = 1, .outcomes = {stored, stored, stored}});
  EXPECT_EQ(std::get<lmtp::send>(drain(s).at(0)).octets, "250 2.0.0 <b@y> stored\r\n");
}

TEST(lmtp_session, repeated_bad_mail_commands_are_errors_each) {
  const open_house policy;
  lmtp::session s({.bounds = {.errors = 3}}, policy);
  s.start();
  drain(s);
  (void)s.receive("LHLO mta\r\nMAIL x\r\nMAIL x\r\nMAIL x\r\n");
  EXPECT_EQ(kinds(drain(s)), "SC");
}

TEST(lmtp_words, every_close_has_a_reason) {
  for (unsigned r = 0; r <= static_cast<unsigned>(lmtp::close_reason::too_much_data); ++r) {
    EXPECT_NE(lmtp::words(static_cast<lmtp::close_reason>(r)), "closed");
  }
}
