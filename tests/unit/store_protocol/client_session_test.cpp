#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/store_protocol/scripted_client.hpp"

namespace homeward::store_protocol {
namespace {

using testing::message_for;
using testing::scripted_client;

const std::string full_store = "+OK [CAPA version=1] RSET NOOP PIPELINING RESULTS PARAMS LOAD "
                               "SIZE=1000 SERVER=homeward/0.1.0\r\n";
const std::string envelope_ok = "+OK 5 octets\r\n+OK\r\n+OK partition mail1\r\n+OK\r\n";

std::string stored(const std::string& mailbox) {
  return "+OK [STORED name=1700000000.key.mx1] <" + mailbox + "> stored\r\n";
}

// "ok", or the kind and code of the failure: short enough to compare at a glance.
std::string fate(const outcome& o) {
  if (o) {
    return o->repeat ? "repeat" : "ok";
  }
  const char* kinds[] = {"?", "transient", "permanent", "unknown"};
  return kinds[static_cast<int>(o.error().kind)];
}

std::vector<std::string> fates(const scripted_client& client) {
  std::vector<std::string> out;
  if (client.finished) {
    for (const outcome& o : client.finished->outcomes) {
      out.push_back(fate(o));
    }
  }
  return out;
}

using words = std::vector<std::string>;

TEST(client_session, asks_what_the_store_can_do) {
  scripted_client client;
  client.session.open();
  client.perform();
  EXPECT_EQ(client.take_sent(), "CAPA RESULTS PARAMS LOAD\r\n");
  EXPECT_EQ(client.session.waits_for(), client_waits_for::reply);
  client.reply(full_store);
  EXPECT_TRUE(client.opened);
  EXPECT_TRUE(client.session.ready());
  const server_features& f = client.session.features();
  EXPECT_TRUE(f.rset && f.noop && f.pipelining && f.results && f.params && f.load && f.many);
  EXPECT_EQ(f.size, 1000_B);
  EXPECT_EQ(f.software, "homeward/0.1.0");
}

TEST(client_session, takes_a_refusal_of_capa_for_a_base_store) {
  for (const char* answer : {"-ERR\r\n", "-ERR what?\r\n", "-ERR [SYNTAX] unknown command\r\n"}) {
    scripted_client client;
    client.open(answer);
    EXPECT_TRUE(client.session.ready()) << answer;
    EXPECT_FALSE(client.session.features().pipelining || client.session.features().many);
  }
  scripted_client told;
  told.session.open(true);
  told.perform();
  EXPECT_EQ(told.sent, "");
  EXPECT_TRUE(told.opened);
}

TEST(client_session, gives_up_a_store_that_turns_it_away) {
  scripted_client client;
  client.open("-ERR [DENIED] this peer may not write here\r\n");
  EXPECT_FALSE(client.opened);
  ASSERT_TRUE(client.why_closed);
  EXPECT_EQ(client.session.trouble()->reason, failure_reason::denied);
}

TEST(client_session, sends_a_small_message_in_one_write) {
  scripted_client client;
  client.open(full_store);
  envelope message = message_for({"ann@y", "bob@y"});
  message.recipients[0] = {"ann@y", "Ann+news@y", 3, 100_B};
  client.session.start(message);
  const auto first = client.session.next_action();
  ASSERT_TRUE(first);
  EXPECT_EQ(std::get<action_send>(*first).text,
            "SIZE 5\r\nNAME 1700000000.key.mx1\r\nPRTN mail1\r\nFROM <s@x>\r\n"
            "RCPT <ann@y> EPOCH=3 QUOTA=100 ORIG=Ann+2Bnews@y\r\nRCPT <bob@y>\r\nDATA\r\n");
  const auto second = client.session.next_action();
  ASSERT_TRUE(second);
  EXPECT_TRUE(std::holds_alternative<action_send_body>(*second));
  EXPECT_EQ(client.session.waits_for(), client_waits_for::writing);
}

TEST(client_session, gives_each_recipient_its_own_outcome) {
  scripted_client client;
  client.open(full_store);
  client.start(message_for({"ann@y", "bob@y", "eve@y", "dan@y"}));
  client.reply(envelope_ok + "+OK\r\n+OK\r\n-ERR [NOUSER] no such mailbox\r\n+OK\r\n");
  EXPECT_FALSE(client.finished);
  EXPECT_EQ(client.session.waits_for(), client_waits_for::results);
  client.reply(stored("ann@y") + "-ERR [MOVED store2/mail7] <bob@y> lives elsewhere\r\n" +
               "+OK [STORED name=1600000000.key.mx1 repeat=yes busy=9 sessions=1 free=2 total=3 "
               "version=0.1.0] <dan@y> stored\r\n");
  EXPECT_EQ(fates(client), (words{"ok", "transient", "permanent", "repeat"}));
  EXPECT_EQ(client.finished->outcomes[0]->name, "1700000000.key.mx1");
  EXPECT_EQ(client.finished->outcomes[1].error().detail, "store2/mail7");
  EXPECT_EQ(client.finished->outcomes[1].error().what, "lives elsewhere");
  EXPECT_EQ(client.finished->outcomes[2].error().reason, failure_reason::no_user);
  EXPECT_EQ(client.finished->outcomes[3]->name, "1600000000.key.mx1");
  ASSERT_TRUE(client.finished->load);
  EXPECT_EQ(client.finished->load->busy_percent, 9U);
  EXPECT_TRUE(client.session.ready());
}

TEST(client_session, stays_usable_after_a_refused_transaction) {
  scripted_client client;
  client.open(full_store);
  client.start(message_for({"ann@y", "bob@y"}));
  client.reply("+OK\r\n+OK\r\n-ERR [NOPRTN] no such partition\r\n-ERR [NOPRTN] x\r\n"
               "-ERR [NOPRTN] x\r\n-ERR [NOPRTN] x\r\n-ERR [NOPRTN] x\r\n");
  EXPECT_EQ(fates(client), (words{"transient", "transient"}));
  EXPECT_EQ(client.finished->outcomes[0].error().reason, failure_reason::no_partition);
  ASSERT_TRUE(client.session.ready());

  client.start(message_for({"ann@y"}));
  client.reply(envelope_ok + "-ERR [QUOTA] over its limit\r\n-ERR [TEMP] nobody\r\n");
  EXPECT_EQ(client.finished->outcomes[0].error().reason, failure_reason::quota);
  ASSERT_TRUE(client.session.ready());

  client.start(message_for({"ann@y"}));
  client.reply(envelope_ok + "+OK\r\n" + stored("ann@y"));
  EXPECT_EQ(fates(client), words{"ok"});
}

TEST(client_session, asks_first_whether_a_big_message_is_wanted) {
  limits l;
  l.eager_body = {4};
  scripted_client client(l);
  client.open(full_store);
  client.start(message_for({"ann@y", "bob@y"}));
  EXPECT_EQ(client.sent.find("DATA"), std::string::npos);
  client.take_sent();
  client.reply(envelope_ok + "-ERR [NOUSER] x\r\n");
  EXPECT_EQ(client.sent, "");
  client.reply("+OK\r\n");
  EXPECT_EQ(client.take_sent(), "DATA\r\n<body>");
  client.reply(stored("bob@y"));
  EXPECT_EQ(fates(client), (words{"permanent", "ok"}));

  client.start(message_for({"ann@y"}));
  client.take_sent();
  client.reply(envelope_ok + "-ERR [NOUSER] x\r\n");
  EXPECT_EQ(client.take_sent(), "RSET\r\n");
  EXPECT_FALSE(client.finished);
  client.reply("+OK reset\r\n");
  EXPECT_EQ(fates(client), words{"permanent"});
  EXPECT_TRUE(client.session.ready());
}

TEST(client_session, sends_no_more_than_a_window_unanswered) {
  limits l;
  l.window = 3;
  scripted_client client(l);
  client.open(full_store);
  client.start(message_for({"a@y", "b@y", "c@y"}));
  EXPECT_EQ(client.take_sent(), "SIZE 5\r\nNAME 1700000000.key.mx1\r\nPRTN mail1\r\n");
  client.reply("+OK\r\n+OK\r\n+OK\r\n");
  EXPECT_EQ(client.take_sent(), "FROM <s@x>\r\nRCPT <a@y>\r\nRCPT <b@y>\r\n");
  client.reply("+OK\r\n+OK\r\n+OK\r\n");
  EXPECT_EQ(client.take_sent(), "RCPT <c@y>\r\n");
  client.reply("+OK\r\n");
  EXPECT_EQ(client.take_sent(), "DATA\r\n<body>");
  client.reply(stored("a@y") + stored("b@y") + stored("c@y"));
  EXPECT_EQ(fates(client), (words{"ok", "ok", "ok"}));
}

TEST(client_session, serves_a_base_store_one_command_at_a_time) {
  scripted_client client;
  client.open("-ERR what?\r\n");
  envelope message = message_for({"ann@y", "bob@y"});
  message.recipients[0].epoch = 3;
  client.start(message);
  for (const char* command : {"SIZE 5\r\n", "NAME 1700000000.key.mx1\r\n", "PRTN mail1\r\n",
                              "FROM <s@x>\r\n", "RCPT <ann@y>\r\n", "RCPT <bob@y>\r\n"}) {
    EXPECT_EQ(client.take_sent(), command);
    client.reply("+OK fine\r\n");
  }
  EXPECT_EQ(client.take_sent(), "DATA\r\n<body>");
  client.reply("+OK\r\n");
  EXPECT_EQ(fates(client), (words{"ok", "ok"}));
  EXPECT_EQ(client.take_sent(), "QUIT\r\n");
  EXPECT_EQ(client.why_closed, close_reason::quit);
  EXPECT_FALSE(client.session.trouble());
}

TEST(client_session, leaves_a_base_store_that_refused) {
  scripted_client client;
  client.open("-ERR what?\r\n");
  client.start(message_for({"ann@y"}));
  client.reply("+OK\r\n");
  client.reply("+OK\r\n");
  client.take_sent();
  client.reply("-ERR no room\r\n");
  EXPECT_EQ(fates(client), words{"transient"});
  EXPECT_EQ(client.take_sent(), "QUIT\r\n");
  EXPECT_TRUE(client.session.closed());
}

TEST(client_session, does_not_guess_whom_one_reply_means) {
  for (const auto& [mailboxes, expected] :
       {std::pair{words{"ann@y"}, words{"permanent"}},
        std::pair{words{"ann@y", "bob@y"}, words{"transient", "transient"}}}) {
    scripted_client client;
    client.open("-ERR what?\r\n");
    client.start(message_for(mailboxes));
    while (client.sent.find("DATA") == std::string::npos) {
      client.reply("+OK\r\n");
    }
    client.reply("-ERR [PERM] never\r\n");
    EXPECT_EQ(fates(client), expected);
  }
}

// Every reply that can not be right, and what it must not do.
struct anomaly {
  const char* why;
  std::string capabilities;
  std::string before; // replies that are right
  std::string bad;
};

const std::vector<anomaly>& anomalies() {
  static const std::string base = "-ERR what?\r\n";
  static const std::string no_results = "+OK [CAPA version=1] RSET PIPELINING\r\n";
  static const std::string upto_data = envelope_ok + "+OK\r\n+OK\r\n";
  static const std::vector<anomaly> all{
      {"not a reply", full_store, "", "220 welcome\r\n"},
      {"lone LF", full_store, "", "+OK\n"},
      {"lower case", full_store, "", "+ok\r\n"},
      {"control character", full_store, "+OK\r\n", "+OK a\tb\r\n"},
      {"NUL", full_store, "+OK\r\n", std::string("+OK \0\r\n", 7)},
      {"endless line", full_store, "", "+OK " + std::string(1100, 'x')},
      {"too long a line", full_store, "", "+OK " + std::string(1100, 'x') + "\r\n"},
      {"empty line", full_store, "", "\r\n"},
      {"PENDING for DATA", full_store, upto_data, "+OK [PENDING] go on\r\n"},
      {"STORED for SIZE", full_store, "", stored("ann@y")},
      {"STORED for RCPT", full_store, envelope_ok, stored("ann@y")},
      {"LOAD for NAME", full_store, "+OK\r\n", "+OK [LOAD busy=1] x\r\n"},
      {"an error code on +OK", full_store, "", "+OK [TEMP] x\r\n"},
      {"+OK for NAME after SIZE was refused", full_store, "-ERR [TOOBIG] x\r\n", "+OK\r\n"},
      {"+OK for RCPT after FROM was refused", full_store, "+OK\r\n+OK\r\n+OK\r\n-ERR x\r\n",
       "+OK\r\n"},
      {"a result of another message", full_store, upto_data,
       "+OK [STORED name=1700000000.other.mx1] <ann@y> stored\r\n"},
      {"a result without a name", full_store, upto_data, "+OK [STORED] <ann@y> stored\r\n"},
      {"a result without a code", full_store, upto_data, "+OK <ann@y> stored\r\n"},
      {"a result out of order", full_store, upto_data, stored("bob@y")},
      {"a result of a longer mailbox", full_store, upto_data, stored("ann@yy")},
      {"a failure out of order", full_store, upto_data, "-ERR [PERM] <bob@y> never\r\n"},
      {"a failure of nobody", full_store, upto_data, "-ERR [PERM] never\r\n"},
      {"one reply for all is of another message", no_results, upto_data,
       "+OK [STORED name=1.x.y] stored\r\n"},
      {"one reply for all has no name", no_results, upto_data, "+OK [STORED] stored\r\n"},
      {"one reply for all is PENDING", no_results, upto_data, "+OK [PENDING] go on\r\n"},
      {"+OK although nobody was accepted", no_results, envelope_ok + "-ERR x\r\n-ERR x\r\n",
       "+OK\r\n"},
      {"+OK although the partition was refused", no_results,
       "+OK\r\n+OK\r\n-ERR x\r\n-ERR x\r\n-ERR x\r\n-ERR x\r\n", "+OK\r\n"},
      {"a stray reply among those to RCPT", full_store, envelope_ok + "-ERR [NOUSER] x\r\n+OK\r\n",
       stored("ann@y")},
      {"a second reply to a base command", base, "", "+OK\r\n+OK\r\n"},
  };
  return all;
}

TEST(client_session, drops_a_connection_whose_replies_can_not_be_right) {
  for (const anomaly& a : anomalies()) {
    scripted_client client;
    client.open(a.capabilities);
    ASSERT_TRUE(client.session.ready()) << a.why;
    client.start(message_for({"ann@y", "bob@y"}));
    client.reply(a.before);
    ASSERT_FALSE(client.session.closed()) << a.why;
    client.reply(a.bad);
    EXPECT_EQ(client.why_closed, close_reason::broken) << a.why;
    ASSERT_TRUE(client.session.trouble()) << a.why;
    EXPECT_FALSE(client.session.trouble()->cause.empty()) << a.why;
    ASSERT_EQ(client.finished_count, 1) << a.why;
    for (const std::string& f : fates(client)) {
      EXPECT_TRUE(f == "transient" || f == "unknown") << a.why << ": " << f;
    }
    // Broken for ever: what would have been right comes too late.
    client.reply(stored("ann@y") + stored("bob@y"));
    EXPECT_EQ(client.finished_count, 1) << a.why;
    EXPECT_FALSE(client.session.ready()) << a.why;
  }
}

TEST(client_session, believes_results_it_read_although_more_follows) {
  scripted_client client;
  client.open(full_store);
  client.start(message_for({"ann@y"}));
  client.reply(envelope_ok + "+OK\r\n" + stored("ann@y") + "+OK\r\n");
  EXPECT_EQ(fates(client), words{"ok"}); // it names this message and this mailbox
  EXPECT_EQ(client.why_closed, close_reason::broken);

  scripted_client base;
  base.open("-ERR what?\r\n");
  base.start(message_for({"ann@y"}));
  for (int i = 0; i < 5; ++i) {
    base.reply("+OK\r\n");
  }
  base.reply("+OK\r\n-ERR no\r\n"); // which of the two is DATA's nobody knows
  EXPECT_EQ(fates(base), words{"unknown"});
  EXPECT_EQ(base.why_closed, close_reason::broken);
}

TEST(client_session, drops_a_connection_that_speaks_unasked) {
  for (const char* octets : {"+OK\r\n", "-ERR [TEMP] bye\r\n", "x"}) {
    scripted_client client;
    client.open(full_store);
    client.reply(octets);
    EXPECT_EQ(client.why_closed, close_reason::broken) << octets;
    EXPECT_FALSE(client.finished);
  }
  scripted_client greeted;
  greeted.reply("+OK hello\r\n"); // a store has no greeting
  EXPECT_EQ(greeted.why_closed, close_reason::broken);
  scripted_client twice;
  twice.open(full_store + full_store);
  EXPECT_EQ(twice.why_closed, close_reason::broken);
}

TEST(client_session, drops_a_store_whose_capabilities_make_no_sense) {
  for (const char* answer : {"+OK\r\n", "+OK [CAPA] RSET\r\n", "+OK [CAPA version=x] RSET\r\n",
                             "+OK [STORED version=1] RSET\r\n"}) {
    scripted_client client;
    client.open(answer);
    EXPECT_FALSE(client.opened) << answer;
    EXPECT_EQ(client.why_closed, close_reason::broken) << answer;
  }
  scripted_client newer;
  newer.open("+OK [CAPA version=2 later=x] RSET NOOP FUTURE=1 SIZE=x\r\n");
  EXPECT_TRUE(newer.session.ready());
  EXPECT_TRUE(newer.session.features().rset);
  EXPECT_FALSE(newer.session.features().size);
}

// The replies of a transaction with one refused of three recipients, cut after each octet.
TEST(client_session, survives_a_connection_lost_at_every_octet) {
  const std::string replies = envelope_ok + "+OK\r\n-ERR [NOUSER] x\r\n+OK\r\n" + stored("ann@y") +
                              "-ERR [QUOTA] <dan@y> over its limit\r\n";
  const std::size_t refused_at = replies.find("-ERR [NOUSER] x\r\n") + 17;
  const std::size_t ann_at = replies.find("<ann@y> stored\r\n") + 16;
  for (const bool eager : {true, false}) {
    for (std::size_t cut = 0; cut < replies.size(); ++cut) {
      limits l;
      l.eager_body = {eager ? 1000U : 0U};
      scripted_client client(l);
      client.open(full_store);
      client.start(message_for({"ann@y", "bob@y", "dan@y"}));
      for (const char octet : replies.substr(0, cut)) {
        client.reply(std::string_view(&octet, 1));
      }
      const bool data_sent = client.sent.find("DATA") != std::string::npos;
      client.on(event_connection_lost{transient_failure("connection reset")});
      const std::string lost = data_sent ? "unknown" : "transient";
      EXPECT_EQ(fates(client),
                (words{cut >= ann_at ? "ok" : lost, cut >= refused_at ? "permanent" : lost, lost}))
          << "cut after " << cut;
      EXPECT_EQ(client.finished_count, 1);
      EXPECT_EQ(client.why_closed, close_reason::peer_closed);
    }
  }
}

TEST(client_session, does_not_call_a_refused_message_unknown) {
  scripted_client client;
  client.open(full_store);
  client.start(message_for({"ann@y"}));
  client.reply("-ERR [TOOBIG] the limit is 3 octets; closing\r\n");
  client.on(event_connection_lost{transient_failure("connection reset")});
  EXPECT_EQ(fates(client), words{"permanent"});
}

TEST(client_session, calls_a_silent_store_unknown) {
  scripted_client client;
  client.open(full_store);
  client.start(message_for({"ann@y"}));
  client.reply(envelope_ok + "+OK\r\n");
  client.on(event_timed_out{});
  EXPECT_EQ(fates(client), words{"unknown"});
  EXPECT_EQ(client.why_closed, close_reason::timed_out);

  scripted_client opening;
  opening.session.open();
  opening.on(event_timed_out{});
  EXPECT_EQ(opening.why_closed, close_reason::timed_out);
  EXPECT_EQ(opening.finished_count, 0);
  EXPECT_EQ(opening.session.waits_for(), client_waits_for::nothing);
}

TEST(client_session, waits_with_results_until_the_octets_are_written) {
  scripted_client client;
  client.open(full_store);
  client.writes_body = false;
  client.start(message_for({"ann@y"}));
  const std::string replies = envelope_ok + "+OK\r\n" + stored("ann@y");
  const std::size_t taken = client.session.receive(replies);
  EXPECT_EQ(taken, envelope_ok.size() + 5);
  EXPECT_EQ(client.session.receive(replies.substr(taken)), 0U);
  client.on(event_body_sent{});
  client.reply(replies.substr(taken));
  EXPECT_EQ(fates(client), words{"ok"});
}

TEST(client_session, refuses_what_it_cannot_write) {
  scripted_client client;
  client.open(full_store);
  client.start(message_for({"ann@y\r\nRCPT <eve@y>", "bob@y"}));
  EXPECT_EQ(client.sent.find("eve"), std::string::npos);
  client.reply(envelope_ok + "+OK\r\n" + stored("bob@y"));
  EXPECT_EQ(fates(client), (words{"permanent", "ok"}));
  client.take_sent();

  client.start(message_for({"a\nb"}));
  EXPECT_EQ(fates(client), words{"permanent"});
  envelope odd_sender = message_for({"ann@y"});
  odd_sender.sender = "a\r\nDATA";
  client.start(odd_sender);
  EXPECT_EQ(fates(client), words{"permanent"});
  envelope odd_partition = message_for({"ann@y"});
  odd_partition.partition = "../x";
  client.start(odd_partition);
  EXPECT_EQ(fates(client), words{"transient"});
  envelope too_big = message_for({"ann@y"});
  too_big.size = {1001};
  client.start(too_big);
  EXPECT_EQ(client.finished->outcomes[0].error().reason, failure_reason::too_big);
  EXPECT_EQ(client.sent, "");
  EXPECT_TRUE(client.session.ready());
}

TEST(client_session, probes) {
  scripted_client client;
  client.open(full_store);
  client.session.probe();
  client.perform();
  EXPECT_EQ(client.take_sent(), "NOOP\r\n");
  client.reply("+OK [LOAD busy=4 sessions=1 free=2 total=3] \r\n");
  ASSERT_TRUE(client.probed);
  EXPECT_EQ(client.probed->load->busy_percent, 4U);
  client.session.probe();
  client.perform();
  client.reply("-ERR [TEMP] x\r\n");
  EXPECT_EQ(client.why_closed, close_reason::broken);

  scripted_client base;
  base.open("-ERR what?\r\n");
  base.session.probe();
  base.perform();
  EXPECT_TRUE(base.probed);
  EXPECT_EQ(base.sent, "");
}

TEST(client_session, takes_leave) {
  scripted_client client;
  client.open(full_store);
  client.session.quit();
  client.perform();
  EXPECT_EQ(client.sent, "QUIT\r\n");
  EXPECT_EQ(client.why_closed, close_reason::quit);
  EXPECT_FALSE(client.session.trouble());
}

TEST(client_session, is_not_to_be_used_when_it_is_not_ready) {
  scripted_client client;
  EXPECT_THROW(client.session.start(message_for({"ann@y"})), std::logic_error);
  client.open(full_store);
  EXPECT_THROW(client.session.open(), std::logic_error);
  EXPECT_THROW(client.session.start(message_for({})), std::logic_error);
  client.start(message_for({"ann@y"}));
  EXPECT_THROW(client.session.start(message_for({"ann@y"})), std::logic_error);
  EXPECT_THROW(client.session.probe(), std::logic_error);
  EXPECT_THROW(client.session.quit(), std::logic_error);
}

TEST(client_session, leaks_nothing_into_the_next_transaction) {
  scripted_client client;
  client.open(full_store);
  client.start(message_for({"ann@y", "bob@y"}));
  client.reply(
      envelope_ok + "+OK\r\n-ERR [QUOTA] x\r\n" +
      "+OK [STORED name=1700000000.key.mx1 busy=5 sessions=1 free=1 total=1] <ann@y> s\r\n");
  client.take_sent();
  envelope second = message_for({"dan@y"});
  second.sender.clear();
  second.name.key = "key2";
  client.start(second);
  EXPECT_EQ(client.sent, "SIZE 5\r\nNAME 1700000000.key2.mx1\r\nPRTN mail1\r\nFROM <>\r\n"
                         "RCPT <dan@y>\r\nDATA\r\n<body>");
  client.reply(envelope_ok + "+OK\r\n+OK [STORED name=1700000000.key2.mx1] <dan@y> stored\r\n");
  EXPECT_EQ(fates(client), words{"ok"});
  EXPECT_FALSE(client.finished->load);
}

// ---- FULL ----

const std::string store_with_full = "+OK [CAPA version=1] NOOP RESULTS FULL\r\n";
const std::string ann_is_full = "+OK [USAGE partition=mail1 used=95 limit=100 age=7] <ann@y>\r\n";

TEST(client_session, lists_full_mailboxes) {
  scripted_client client;
  client.open(store_with_full);
  EXPECT_TRUE(client.session.features().full);
  client.session.list_full();
  client.perform();
  EXPECT_EQ(client.take_sent(), "FULL\r\n");
  EXPECT_EQ(client.session.waits_for(), client_waits_for::reply);
  client.reply("+OK [USAGE count=2]\r\n" + ann_is_full);
  EXPECT_FALSE(client.listed);
  EXPECT_FALSE(client.session.ready());
  client.reply("+OK [USAGE future=1 partition=m2 used=1 limit=2 age=0] <\"b> c\"@y>\r\n");
  ASSERT_TRUE(client.listed);
  EXPECT_TRUE(client.session.ready());
  const std::vector<mailbox_usage> expected{
      {"mail1", "ann@y", 95_B, 100_B, std::chrono::seconds(7)},
      {"m2", "\"b> c\"@y", 1_B, 2_B, std::chrono::seconds(0)}};
  EXPECT_EQ(client.listed->usages, expected);
  client.listed.reset();
  client.session.list_full();
  client.reply("+OK [USAGE count=0]\r\n");
  ASSERT_TRUE(client.listed);
  EXPECT_TRUE(client.listed->usages.empty()) << "nothing is left of the last listing";
}

TEST(client_session, a_store_without_full_has_no_full_mailboxes) {
  scripted_client client;
  client.open(full_store);
  client.session.list_full();
  client.perform();
  EXPECT_EQ(client.take_sent(), "");
  ASSERT_TRUE(client.listed);
  EXPECT_TRUE(client.listed->usages.empty() && client.session.ready());
}

TEST(client_session, gives_up_a_store_whose_listing_makes_no_sense) {
  limits l;
  l.usages = 2;
  const std::vector<std::string> answers{"+OK\r\n",
                                         "-ERR [TEMP] x\r\n",
                                         "+OK [USAGE count=3]\r\n",
                                         "+OK [USAGE count=x]\r\n",
                                         "+OK [FULL count=1]\r\n",
                                         "+OK [USAGE count=1]\r\n+OK\r\n",
                                         "+OK [USAGE count=1]\r\n-ERR\r\n",
                                         "+OK [USAGE count=0]\r\n" + ann_is_full,
                                         "+OK [USAGE count=1]\r\n" + ann_is_full + ann_is_full};
  for (const std::string& answer : answers) {
    scripted_client client(l);
    client.open(store_with_full);
    client.session.list_full();
    client.perform();
    client.reply(answer);
    EXPECT_EQ(client.why_closed, close_reason::broken) << answer;
    EXPECT_FALSE(client.session.ready()) << answer;
  }
}

TEST(client_session, a_listing_that_breaks_off_is_none) {
  scripted_client client;
  client.open(store_with_full);
  client.session.list_full();
  client.perform();
  client.reply("+OK [USAGE count=2]\r\n" + ann_is_full);
  client.on(event_connection_lost{transient_failure("gone")});
  EXPECT_FALSE(client.listed);
  EXPECT_TRUE(client.why_closed);
}

TEST(client_session, usage_does_not_answer_another_command) {
  scripted_client client;
  client.open(store_with_full);
  client.session.probe();
  client.perform();
  client.reply("+OK [USAGE count=0]\r\n");
  EXPECT_EQ(client.why_closed, close_reason::broken);
}

} // namespace
} // namespace homeward::store_protocol
