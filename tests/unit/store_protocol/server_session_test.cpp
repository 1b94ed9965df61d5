// What a driver sees of a server_session. The conversations themselves are in
// tests/transcripts/store.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/store_protocol/scripted_store.hpp"

namespace homeward::store_protocol {
namespace {

using testing::failure_named;
using testing::scripted_store;
using testing::store_script;

const std::string preamble = "SIZE 5\r\nNAME 1.key.mx1\r\nPRTN mail1\r\n";
const std::string addresses = "FROM <s@x>\r\nRCPT <ann@y>\r\nRCPT <bob@y>\r\n";

std::vector<std::string> lines_of(std::string text) {
  std::vector<std::string> lines;
  for (std::size_t end = 0; (end = text.find("\r\n")) != std::string::npos;) {
    lines.push_back(text.substr(0, end));
    text.erase(0, end + 2);
  }
  EXPECT_EQ(text, "");
  return lines;
}

store_script held() {
  store_script s;
  s.held = true;
  return s;
}

TEST(server_session, gives_the_same_actions_for_every_split) {
  const std::vector<std::string> conversations{
      "CAPA RESULTS PARAMS LOAD\r\n" + preamble + addresses + "DATA\r\nhello" + preamble +
          addresses + "DATA\r\nworldQUIT\r\n",
      preamble + "DATA\r\nhello" + addresses + "QUIT\r\n",
      "SIZE 5\r\nNAME 1.key.mx1\r\nPRTN gone\r\n" + addresses + "DATA\r\nQUIT\nNOOP\r\n",
      "BOGUS\r\n\r\n" + std::string(1100, 'x') + "\r\nRCPT " + std::string(1100, 'x') +
          "\r\nNOOP\n",
      preamble + addresses + "DATA\r\n\r\n.\r\nNOOP\r\n",
      "FULL\r\nNOOP\r\nFULL\r\nFULL x\r\nQUIT\r\n",
      "SIZE 9999999999\r\nNOOP\r\n"};
  for (const std::string& conversation : conversations) {
    store_script script;
    script.partitions.emplace("gone", failure_named("no_partition"));
    script.usages = {{"mail1", "ann@y", {95}, {100}, std::chrono::seconds(3)}};
    scripted_store whole(script);
    whole.feed(conversation);
    for (std::size_t piece = 1; piece < 40; ++piece) {
      for (const bool direct : {false, true}) {
        script.direct = direct;
        scripted_store split(script);
        split.feed(conversation, piece);
        EXPECT_EQ(split.trace(), whole.trace()) << "pieces of " << piece;
        EXPECT_EQ(split.delivered(), whole.delivered());
      }
    }
  }
}

TEST(server_session, passes_the_octets_of_a_message_without_a_copy) {
  scripted_store store(store_script{});
  server_session& session = store.session();
  const std::string input = preamble + addresses + "DATA\r\nhello";
  ASSERT_EQ(session.receive(input), input.size());
  bool seen = false;
  while (auto action = session.next_action()) {
    if (const auto* body = std::get_if<action_body>(&*action)) {
      seen = true;
      EXPECT_EQ(body->piece.data(), input.data() + input.size() - 5);
    }
  }
  EXPECT_TRUE(seen);
}

TEST(server_session, counts_octets_that_the_driver_read_itself) {
  scripted_store store(held());
  store.feed(preamble + addresses + "DATA\r\n");
  server_session& session = store.session();
  EXPECT_EQ(session.body_remaining(), 5U);
  EXPECT_EQ(session.waits_for(), server_waits_for::body);
  session.on(event_body_received{6}); // a driver's mistake must not pass the end
  EXPECT_EQ(session.body_remaining(), 5U);
  session.on(event_body_received{4});
  EXPECT_EQ(session.body_remaining(), 1U);
  session.on(event_body_received{1});
  EXPECT_EQ(session.body_remaining(), 0U);
  EXPECT_EQ(session.waits_for(), server_waits_for::delivery);
}

TEST(server_session, offers_no_direct_reading_of_octets_that_are_only_swallowed) {
  store_script script;
  script.recipients.emplace("ann@y", failure_named("no_user"));
  scripted_store store(script);
  store.feed(preamble + "FROM <s@x>\r\nRCPT <ann@y>\r\nDATA\r\nhel");
  EXPECT_EQ(store.session().waits_for(), server_waits_for::body);
  EXPECT_EQ(store.session().body_remaining(), 0U);
  store.feed("lo");
  EXPECT_EQ(store.session().waits_for(), server_waits_for::first_command);
}

TEST(server_session, takes_nothing_while_a_delivery_is_under_way) {
  scripted_store store(held());
  store.feed(preamble + addresses + "DATA\r\nhelloNOOP\r\n");
  EXPECT_EQ(store.session().state(), server_state::storing);
  EXPECT_EQ(store.session().receive("NOOP\r\n"), 0U);
  store.take_output();
  store.finish_delivery();
  EXPECT_EQ(store.take_output(), "+OK [STORED name=1.key.mx1] stored for 2 recipients\r\n+OK\r\n");
}

TEST(server_session, answers_for_an_outcome_the_driver_forgot) {
  scripted_store store(held());
  store.feed("CAPA RESULTS\r\n" + preamble + addresses + "DATA\r\nhello");
  store.take_output();
  event_delivery_finished finished;
  finished.outcomes.emplace_back(stored_as{"1.key.mx1", false});
  store.on(std::move(finished));
  const auto lines = lines_of(store.take_output());
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], "+OK [STORED name=1.key.mx1] <ann@y> stored");
  EXPECT_TRUE(lines[1].starts_with("-ERR [TEMP] <bob@y>"));
}

TEST(server_session, ignores_outcomes_nobody_waits_for) {
  scripted_store store(store_script{});
  store.feed(preamble + addresses);
  const std::string before = store.output();
  store.on(event_delivery_finished{});
  store.on(event_body_received{3});
  store.on(event_body_failed{failure_named("full")});
  EXPECT_EQ(store.output(), before);
  EXPECT_EQ(store.session().state(), server_state::addressed);
}

TEST(server_session, swallows_the_rest_when_the_octets_cannot_be_kept) {
  scripted_store store(store_script{});
  store.feed("CAPA RESULTS\r\n" + preamble + addresses + "DATA\r\nhe");
  store.take_output();
  store.on(event_body_failed{failure_named("full")});
  EXPECT_EQ(store.output(), "");
  store.feed("lloNOOP\r\n");
  EXPECT_EQ(store.discarded(), 1U);
  EXPECT_TRUE(store.delivered().empty());
  EXPECT_EQ(store.output(), "-ERR [FULL] <ann@y> no space left on the volume\r\n"
                            "-ERR [FULL] <bob@y> no space left on the volume\r\n+OK\r\n");
}

TEST(server_session, fails_a_pending_message_whose_octets_were_lost) {
  scripted_store store(store_script{});
  store.feed(preamble + "DATA\r\nhello");
  store.on(event_body_failed{failure_named("full")});
  store.take_output();
  store.feed(addresses + "QUIT\r\n");
  EXPECT_TRUE(store.delivered().empty());
  EXPECT_TRUE(store.closed());
  for (const std::string& line : lines_of(store.output())) {
    EXPECT_TRUE(line.starts_with("-ERR [FULL]")) << line;
  }
}

TEST(server_session, says_nothing_to_a_silent_peer) {
  for (const std::string& so_far :
       {std::string(), preamble, preamble + addresses, preamble + addresses + "DATA\r\nhe",
        preamble + "DATA\r\nhello", std::string("NOO")}) {
    scripted_store store(store_script{});
    store.feed(so_far);
    store.take_output();
    store.on(event_timed_out{});
    EXPECT_EQ(store.output(), "");
    EXPECT_TRUE(store.closed());
    EXPECT_EQ(store.why_closed(), close_reason::timed_out);
    EXPECT_TRUE(store.delivered().empty());
    EXPECT_EQ(store.discarded(), so_far.find("DATA") != std::string::npos ? 1U : 0U);
  }
}

TEST(server_session, answers_everybody_when_a_delivery_takes_too_long) {
  scripted_store store(held());
  store.feed("CAPA RESULTS\r\n" + preamble + addresses + "DATA\r\nhello");
  store.take_output();
  store.on(event_timed_out{});
  EXPECT_EQ(lines_of(store.output()).size(), 2U);
  EXPECT_TRUE(store.output().starts_with("-ERR [TEMP] <ann@y>"));
  EXPECT_TRUE(store.closed());
  store.finish_delivery(); // late, and told to nobody
  EXPECT_EQ(lines_of(store.output()).size(), 2U);
}

TEST(server_session, abandons_what_a_vanished_peer_left) {
  scripted_store store(store_script{});
  store.feed(preamble + addresses + "DATA\r\nhell");
  store.take_output();
  store.on(event_peer_closed{});
  EXPECT_EQ(store.discarded(), 1U);
  EXPECT_TRUE(store.delivered().empty());
  EXPECT_EQ(store.output(), "");
  EXPECT_EQ(store.why_closed(), close_reason::peer_closed);
  EXPECT_EQ(store.session().receive("o"), 0U);
  EXPECT_EQ(store.session().waits_for(), server_waits_for::nothing);
}

TEST(server_session, does_not_discard_what_is_being_delivered) {
  scripted_store store(held());
  store.feed(preamble + addresses + "DATA\r\nhello");
  store.on(event_peer_closed{});
  EXPECT_EQ(store.discarded(), 0U);
  EXPECT_EQ(store.delivered().size(), 1U);
}

TEST(server_session, finishes_what_was_begun_before_it_stops) {
  scripted_store idle(store_script{});
  idle.on(event_shutting_down{});
  EXPECT_EQ(idle.why_closed(), close_reason::shutting_down);
  EXPECT_EQ(idle.output(), "");

  scripted_store busy(store_script{});
  busy.feed(preamble);
  busy.on(event_shutting_down{});
  EXPECT_FALSE(busy.closed());
  busy.feed(addresses + "DATA\r\nhello" + preamble);
  EXPECT_EQ(busy.delivered().size(), 1U);
  EXPECT_EQ(busy.why_closed(), close_reason::shutting_down);
  EXPECT_EQ(lines_of(busy.output()).size(), 7U); // nothing for the second transaction
}

TEST(server_session, tells_its_load_on_final_replies_only_when_asked) {
  store_script script;
  script.load = {7, 2, 1_KiB, 4_KiB, "0.1.0"};
  script.space = {1_KiB, 4_KiB};
  const std::string figures = "busy=7 sessions=2 free=1024 total=4096 version=0.1.0";
  scripted_store asked(script);
  asked.feed("CAPA LOAD RESULTS\r\n");
  asked.take_output();
  asked.feed(preamble + addresses + "NOOP\r\nDATA\r\nhello");
  const auto lines = lines_of(asked.output());
  ASSERT_EQ(lines.size(), 9U);
  EXPECT_EQ(lines[2], "+OK [PRTN free=1024 total=4096] partition mail1");
  EXPECT_EQ(lines[6], "+OK [LOAD " + figures + "]");
  EXPECT_EQ(lines[7], "+OK [STORED name=1.key.mx1] <ann@y> stored");
  EXPECT_EQ(lines[8], "+OK [STORED name=1.key.mx1 " + figures + "] <bob@y> stored");

  scripted_store base(script);
  base.feed(preamble + addresses + "NOOP\r\nDATA\r\nhello");
  EXPECT_EQ(base.output().find("busy"), std::string::npos);
}

TEST(server_session, gives_one_reply_for_all_that_is_true_of_all) {
  struct row {
    const char* ann;
    const char* bob;
    const char* reply;
  };
  for (const row& r :
       {row{"", "", "+OK [STORED name=1.key.mx1]"},
        row{"perm", "", "-ERR [TEMP] 1 of 2"}, // ann's fate is not bob's
        row{"", "full", "-ERR [FULL] 1 of 2"}, row{"perm", "temp", "-ERR [TEMP] 2 of 2"},
        row{"perm", "no_user", "-ERR [PERM] 2 of 2"}}) {
    store_script script;
    for (const auto& [who, what] : {std::pair{"ann@y", r.ann}, std::pair{"bob@y", r.bob}}) {
      if (*what != '\0') {
        script.outcomes.emplace(who, failure_named(what));
      }
    }
    scripted_store store(script);
    store.feed(preamble + addresses + "DATA\r\n");
    store.take_output();
    store.feed("hello");
    EXPECT_TRUE(store.output().starts_with(r.reply)) << store.output();
    EXPECT_EQ(lines_of(store.output()).size(), 1U);
  }
}

TEST(server_session, keeps_the_limits_it_was_given) {
  store_script script;
  script.bounds.recipients = 2;
  script.bounds.size = {4};
  script.bounds.surplus = {2};
  script.bounds.errors = 2;
  scripted_store store(script);
  store.feed("SIZE 4\r\nNAME n\r\nPRTN p\r\nFROM <>\r\nRCPT a\r\nRCPT b\r\nRCPT c\r\n");
  EXPECT_TRUE(lines_of(store.output()).back().starts_with("-ERR [TEMP]"));
  store.take_output();
  store.feed("RSET\r\nSIZE 6\r\nRSET\r\n");
  EXPECT_TRUE(lines_of(store.take_output())[1].starts_with("-ERR [TOOBIG]"));
  EXPECT_FALSE(store.closed());
  store.feed("X\r\n");
  EXPECT_FALSE(store.closed());
  store.feed("X\r\n");
  EXPECT_EQ(store.why_closed(), close_reason::too_many_errors);
  EXPECT_EQ(lines_of(store.output()).size(), 2U);

  scripted_store other(script);
  other.feed("SIZE 7\r\nNOOP\r\n");
  EXPECT_EQ(other.why_closed(), close_reason::unbelievable);
  EXPECT_EQ(lines_of(other.output()).size(), 1U);
}

TEST(server_session, does_not_count_refusals_by_policy_as_errors) {
  store_script script;
  script.bounds.errors = 2;
  script.partitions.emplace("gone", failure_named("no_partition"));
  script.recipients.emplace("ann@y", failure_named("no_user"));
  scripted_store store(script);
  for (int i = 0; i < 5; ++i) {
    store.feed("SIZE 5\r\nNAME n\r\nPRTN gone\r\n" + addresses + "DATA\r\nhello");
    store.feed(preamble + "FROM <>\r\nRCPT <ann@y>\r\nDATA\r\nhello");
  }
  EXPECT_FALSE(store.closed());
  EXPECT_TRUE(store.delivered().empty());
  EXPECT_EQ(store.session().state(), server_state::ready);
}

TEST(server_session, tells_what_its_policy_needs_to_know) {
  class curious final : public server_policy {
   public:
    result<partition_figures> accept_partition(std::string_view /*name*/) override {
      return partition_figures{};
    }
    result<void> accept_recipient(const envelope& so_far, const recipient& who) override {
      seen.push_back(so_far);
      asked.push_back(who);
      return {};
    }
    std::vector<envelope> seen;
    std::vector<recipient> asked;
  } policy;
  server_session session(limits{}, "x", policy);
  const std::string input = "CAPA PARAMS\r\n" + preamble +
                            "FROM <>\r\nRCPT <ann@y> EPOCH=3 QUOTA=10 ORIG=Ann@y\r\n" +
                            "RCPT <bob@y>\r\n";
  ASSERT_EQ(session.receive(input), input.size());
  ASSERT_EQ(policy.seen.size(), 2U);
  EXPECT_TRUE(policy.seen[0].recipients.empty());
  EXPECT_TRUE(policy.seen[0].has_sender);
  EXPECT_EQ(policy.seen[1].recipients.size(), 1U);
  EXPECT_EQ(policy.seen[1].partition, "mail1");
  EXPECT_EQ(policy.seen[1].size, 5_B);
  EXPECT_EQ(policy.asked[0], (recipient{"ann@y", "Ann@y", 3, 10_B}));
}

TEST(server_session, holds_little_memory_whatever_is_sent) {
  scripted_store store(store_script{});
  for (int i = 0; i < 200; ++i) {
    store.feed(std::string(300, 'x'));
  }
  EXPECT_EQ(store.output(), "");
  store.feed("\r\n");
  EXPECT_EQ(lines_of(store.output()).size(), 1U);
  store.take_output();
  for (int i = 0; i < 300 && !store.closed(); ++i) {
    store.feed(std::string(300, 'x'));
  }
  EXPECT_EQ(store.why_closed(), close_reason::unbelievable);
  EXPECT_EQ(lines_of(store.output()).size(), 1U);
}

// A listing can be long, and a peer may ask for it in every line of one write.
TEST(server_session, stops_behind_each_full_so_that_its_answer_can_be_written) {
  store_script script;
  script.usages = {{"mail1", "ann@y", {95}, {100}, std::chrono::seconds(3)}};
  scripted_store policy(script);
  server_session session({}, "homeward/test", policy);
  const std::string_view asked = "NOOP\r\nFULL\r\nFULL\r\nNOOP\r\n";
  EXPECT_EQ(session.receive(asked), 12U);
  EXPECT_EQ(session.receive(asked.substr(12)), 6U);
  EXPECT_EQ(session.receive(asked.substr(18)), 6U);
}

TEST(server_policy, tells_no_mailboxes_unless_it_counts) {
  class counts_nothing final : public server_policy {
    result<partition_figures> accept_partition(std::string_view /*name*/) override {
      return partition_figures{};
    }
    result<void> accept_recipient(const envelope& /*e*/, const recipient& /*r*/) override {
      return {};
    }
  };
  counts_nothing policy;
  EXPECT_TRUE(policy.full_mailboxes(10).empty());
}

} // namespace
} // namespace homeward::store_protocol
