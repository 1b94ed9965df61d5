// Conversations with a whole stored, as a person at telnet or a bridge would have them.

#include <atomic>
#include <fstream>

#include "tests/unit/stored/gated_file_system.hpp"
#include "tests/unit/stored/service_fixture.hpp"

using namespace homeward;
using namespace homeward::stored;
using namespace homeward::stored::test;
using namespace std::chrono_literals;

namespace {

const std::string message = "Subject: hi\r\n\r\nhello\r\n";
const std::string filed = "Return-Path: <sender@example.net>\n"
                          "Delivered-To: ann@example.org\n"
                          "Subject: hi\n\nhello\n";

class conversation : public whole_store {};

} // namespace

TEST_F(conversation, by_hand_envelope_first) {
  start();
  text_client c = tcp_client();
  EXPECT_EQ(c.ask("size 22"), "+OK 22 octets");
  EXPECT_EQ(c.ask("name 1700000000.k1.mx1"), "+OK name taken");
  EXPECT_EQ(c.ask("prtn mail1"), "+OK partition mail1");
  EXPECT_EQ(c.ask("from <sender@example.net>"), "+OK sender taken");
  EXPECT_EQ(c.ask("rcpt <ann@example.org>"), "+OK <ann@example.org> accepted");
  c.say("data\r\n" + message);
  EXPECT_TRUE(c.line().starts_with("+OK [STORED name=1700000000.k1.mx1] "));
  const auto mail = mail_of("mail1", "ann");
  ASSERT_EQ(mail.size(), 1U);
  EXPECT_TRUE(mail.begin()->first.starts_with("1700000000.k1.mx1,S="));
  EXPECT_EQ(mail.begin()->second, filed);
  EXPECT_EQ(c.ask("quit"), "+OK closing");
  EXPECT_EQ(c.line(), "(closed)");
}

TEST_F(conversation, by_hand_data_first) {
  start();
  text_client c = tcp_client();
  EXPECT_EQ(c.ask("SIZE 22"), "+OK 22 octets");
  EXPECT_EQ(c.ask("NAME 1700000000.k1.mx1"), "+OK name taken");
  EXPECT_EQ(c.ask("PRTN mail1"), "+OK partition mail1");
  c.say("DATA\r\n" + message);
  EXPECT_EQ(c.line(), "+OK [PENDING] continue with FROM, RCPT and QUIT");
  EXPECT_EQ(c.ask("FROM <sender@example.net>"), "+OK sender taken");
  EXPECT_EQ(c.ask("RCPT <ann@example.org>"), "+OK <ann@example.org> accepted");
  EXPECT_TRUE(mail_of("mail1", "ann").empty()) << "nothing before the commitment";
  EXPECT_TRUE(c.ask("QUIT").starts_with("+OK [STORED name=1700000000.k1.mx1] "));
  EXPECT_EQ(mail_of("mail1", "ann").size(), 1U);
  EXPECT_EQ(c.line(), "(closed)");
}

TEST_F(conversation, many_transactions_with_one_result_per_recipient) {
  start();
  text_client c = client();
  EXPECT_TRUE(c.ask("CAPA RESULTS PARAMS LOAD").starts_with("+OK [CAPA version=1] "));
  EXPECT_TRUE(c.ask("NOOP").starts_with("+OK [LOAD busy=0 sessions=1 free="));
  for (int i = 0; i < 20; ++i) {
    const std::string name = fmt::format("1700000000.k{}.mx1", i);
    c.say(envelope(message, name, {"ann@example.org", "bob@example.org"}) + message);
    ASSERT_EQ(envelope_answers(c, 2), "all accepted");
    EXPECT_EQ(c.line(), "+OK [STORED name=" + name + "] <ann@example.org> stored");
    const std::string last = c.line();
    EXPECT_TRUE(last.starts_with("+OK [STORED name=" + name + " busy=")) << last;
    EXPECT_TRUE(last.ends_with("] <bob@example.org> stored")) << last;
  }
  EXPECT_EQ(mail_of("mail1", "ann").size(), 20U);
  EXPECT_EQ(mail_of("mail1", "bob").size(), 20U);
}

TEST_F(conversation, a_repeat_is_ok_and_makes_no_second_copy) {
  start();
  text_client first = client();
  EXPECT_TRUE(transaction(first, message, "1700000000.k1.mx1", {"ann@example.org"})
                  .starts_with("+OK [STORED name=1700000000.k1.mx1]"));
  text_client second = client();
  EXPECT_TRUE(transaction(second, message, "1700000300.k1.mx2", {"ann@example.org"})
                  .starts_with("+OK [STORED name=1700000000.k1.mx1 repeat=yes]"));
  EXPECT_EQ(mail_of("mail1", "ann").size(), 1U);
}

TEST_F(conversation, a_refused_recipient_removes_only_itself) {
  start();
  text_client c = client();
  EXPECT_TRUE(c.ask("CAPA RESULTS").starts_with("+OK"));
  const std::string too_long = std::string(300, '/') + "@example.org";
  c.say(envelope(message, "1700000000.k1.mx1", {"ann@example.org", too_long, "bob@example.org"}) +
        message);
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(c.line().starts_with("+OK"));
  }
  EXPECT_TRUE(c.line().starts_with("-ERR [PERM]"));
  EXPECT_EQ(c.line(), "+OK <bob@example.org> accepted");
  EXPECT_TRUE(c.line().ends_with("<ann@example.org> stored"));
  EXPECT_TRUE(c.line().ends_with("<bob@example.org> stored"));
}

TEST_F(conversation, octets_arrive_one_at_a_time) {
  start();
  text_client c = tcp_client();
  for (const char octet : envelope(message, "1700000000.k1.mx1", {"ann@example.org"}) + message) {
    c.say({&octet, 1});
  }
  EXPECT_EQ(envelope_answers(c, 1), "all accepted");
  EXPECT_TRUE(c.line().starts_with("+OK [STORED"));
  EXPECT_EQ(mail_of("mail1", "ann").begin()->second, filed);
}

TEST_F(conversation, a_long_message_goes_through_the_spool_unchanged) {
  settings_.fixed.message_memory = 4_KiB;
  start();
  std::string big = "Subject: big\r\n\r\n";
  while (big.size() < (5U << 20U)) {
    big += fmt::format("line {} \x01\xff lone\rcr and\nlf\r\n", big.size());
  }
  text_client c = tcp_client();
  EXPECT_TRUE(
      transaction(c, big, "1700000000.k1.mx1", {"ann@example.org"}).starts_with("+OK [STORED"));
  std::string expected = "Return-Path: <sender@example.net>\nDelivered-To: ann@example.org\n";
  for (std::size_t i = 0; i < big.size(); ++i) {
    if (big[i] != '\r' || big[i + 1] != '\n') {
      expected += big[i];
    }
  }
  EXPECT_TRUE(mail_of("mail1", "ann").begin()->second == expected);
}

TEST_F(conversation, an_empty_message_is_a_message) {
  start();
  text_client c = client();
  EXPECT_TRUE(
      transaction(c, "", "1700000000.k1.mx1", {"ann@example.org"}).starts_with("+OK [STORED"));
  EXPECT_EQ(mail_of("mail1", "ann").size(), 1U);
}

TEST_F(conversation, who_hangs_up_early_has_stored_nothing) {
  start();
  {
    text_client c = tcp_client();
    c.say(envelope(message, "1700000000.k1.mx1", {"ann@example.org"}) + message.substr(0, 21));
    EXPECT_EQ(envelope_answers(c, 1), "all accepted");
    c.close();
  }
  text_client next = tcp_client();
  EXPECT_TRUE(transaction(next, message, "1700000000.k2.mx1", {"ann@example.org"})
                  .starts_with("+OK [STORED"));
  EXPECT_EQ(mail_of("mail1", "ann").size(), 1U);
}

TEST_F(conversation, unknown_and_offline_partitions_and_strangers_are_told_apart) {
  settings_.live.partitions[0].peers = {"192.0.2.1"};
  settings_.live.partitions[1].state = partition_state::offline;
  start();
  const auto answer = [&](text_client c, const std::string& partition) {
    return transaction(c, message, "k1", {"ann@example.org"}, partition);
  };
  EXPECT_EQ(answer(tcp_client(), "mail7"), "-ERR [NOPRTN] this store has no partition mail7");
  EXPECT_EQ(answer(tcp_client(), "mail1"),
            "-ERR [DENIED] this peer may not write to partition mail1");
  EXPECT_EQ(answer(tcp_client(), "mail2"), "-ERR [TEMP] partition mail2 is offline");
  EXPECT_TRUE(answer(client(), "mail1").starts_with("+OK")) << "unix peers may write everywhere";
}

TEST_F(conversation, a_draining_partition_takes_mail) {
  settings_.live.partitions[0].state = partition_state::draining;
  start();
  text_client c = client();
  EXPECT_TRUE(transaction(c, message, "k1", {"ann@example.org"}).starts_with("+OK"));
}

TEST_F(conversation, an_address_that_is_not_listed_is_refused) {
  settings_.live.peers = {"192.0.2.0/24"};
  start();
  text_client stranger = tcp_client();
  EXPECT_EQ(stranger.line(), "-ERR [DENIED] this address may not connect");
  EXPECT_EQ(stranger.line(), "(closed)");
  EXPECT_EQ(client().ask("NOOP"), "+OK") << "a unix socket is guarded by its mode";
}

TEST_F(conversation, sessions_are_limited_in_all_and_for_each_address) {
  settings_.live.sessions = {.total = 3, .per_peer = 2};
  start();
  text_client a = tcp_client();
  text_client b = tcp_client();
  EXPECT_TRUE(a.ask("NOOP").starts_with("+OK"));
  EXPECT_TRUE(b.ask("NOOP").starts_with("+OK"));
  EXPECT_EQ(tcp_client().line(), "-ERR [TEMP] too many connections from this address");
  text_client c = client();
  EXPECT_TRUE(c.ask("NOOP").starts_with("+OK"));
  EXPECT_EQ(client().line(), "-ERR [TEMP] too many connections");
  EXPECT_EQ(a.ask("QUIT"), "+OK closing");
  EXPECT_EQ(a.line(), "(closed)");
  // The place is free as soon as the session has ended on its side.
  std::string answer;
  while (answer != "+OK") {
    answer = tcp_client().ask("NOOP");
    ASSERT_TRUE(answer == "+OK" || answer.starts_with("-ERR [TEMP] too many")) << answer;
  }
}

TEST_F(conversation, too_many_messages_in_memory_are_refused_and_the_session_goes_on) {
  settings_.live.memory = {100};
  start();
  text_client c = client();
  EXPECT_EQ(c.ask("CAPA RESULTS").substr(0, 3), "+OK");
  const std::string big(200, 'x');
  c.say(envelope(big, "k1", {"ann@example.org", "bob@example.org"}) + big);
  EXPECT_EQ(envelope_answers(c, 2), "all accepted");
  EXPECT_EQ(c.line(), "-ERR [TEMP] <ann@example.org> the store has too many messages in hand");
  EXPECT_EQ(c.line(), "-ERR [TEMP] <bob@example.org> the store has too many messages in hand");
  EXPECT_TRUE(transaction(c, message, "k2", {"ann@example.org"}).ends_with("stored"));
  EXPECT_EQ(mail_of("mail1", "ann").size(), 1U);
}

TEST_F(conversation, a_silent_peer_is_dropped) {
  settings_.live.times.server_idle = 1s;
  start();
  EXPECT_EQ(tcp_client().line(), "(closed)") << "without a word: it could be taken for an answer";
}

TEST_F(conversation, a_peer_that_is_silent_within_a_message_is_dropped) {
  settings_.live.times.server_block = 1s;
  start();
  text_client c = tcp_client();
  c.say(envelope(message, "k1", {"ann@example.org"}));
  EXPECT_EQ(envelope_answers(c, 1), "all accepted");
  EXPECT_EQ(c.line(), "(closed)");
}

TEST_F(conversation, a_peer_that_trickles_is_dropped_although_it_is_never_silent) {
  settings_.live.times.server_block = 1s;
  settings_.live.data_rate = {1000};
  start();
  text_client c = tcp_client();
  c.say(envelope(std::string(100000, 'x'), "k1", {"ann@example.org"}));
  EXPECT_EQ(envelope_answers(c, 1), "all accepted");
  std::atomic<bool> dropped = false;
  std::thread trickle([&] {
    while (!dropped) {
      c.say("x");
      std::this_thread::sleep_for(20ms);
    }
  });
  const std::string end = c.line();
  dropped = true;
  trickle.join();
  EXPECT_TRUE(end == "(closed)" || end == "(nothing)") << end;
  EXPECT_TRUE(mail_of("mail1", "ann").empty());
}

TEST_F(conversation, what_is_not_safe_in_time_is_answered_and_found_by_the_repeat) {
  gated_file_system gate(files_);
  files_for_partitions_ = &gate;
  settings_.live.deliveries.commit = 1s;
  start();
  text_client c = client();
  gate.shut();
  const std::string late = transaction(c, message, "1700000000.k1.mx1", {"ann@example.org"});
  EXPECT_TRUE(late.starts_with("-ERR [TEMP] ")) << late;
  EXPECT_TRUE(late.find("a repeat of the same NAME will find it") != std::string::npos) << late;
  gate.open();
  std::string answer;
  while (!answer.starts_with("+OK")) {
    std::this_thread::sleep_for(20ms);
    answer = transaction(c, message, "1700000000.k1.mx1", {"ann@example.org"});
    ASSERT_TRUE(answer.starts_with("+OK") || answer.starts_with("-ERR [TEMP]")) << answer;
  }
  EXPECT_TRUE(answer.starts_with("+OK [STORED name=1700000000.k1.mx1 repeat=yes] ")) << answer;
  EXPECT_EQ(mail_of("mail1", "ann").size(), 1U);
  stop();
}

// What hangs: the commit thread with a journal, two workers without.
class hanging_disk : public conversation, public testing::WithParamInterface<sync_mode> {};

TEST_P(hanging_disk, does_not_hold_up_the_door) {
  settings_.fixed.durability = GetParam();
  const std::size_t hanging = GetParam() == sync_mode::journal ? 1 : 2;
  gated_file_system gate(files_);
  files_for_partitions_ = &gate;
  settings_.fixed.workers = {.workers = 4, .per_partition = 2};
  start();
  gate.shut();
  std::vector<text_client> stuck;
  for (int i = 0; i < 6; ++i) {
    stuck.push_back(client());
    stuck.back().say(envelope(message, fmt::format("s{}", i), {fmt::format("u{}@example.org", i)}) +
                     message);
    EXPECT_EQ(envelope_answers(stuck.back(), 1), "all accepted");
  }
  gate.wait_for_waiters(hanging);
  text_client c = client();
  EXPECT_TRUE(c.ask("NOOP").starts_with("+OK"));
  EXPECT_EQ(c.ask("PRTN mail2"), "+OK partition mail2");
  gate.open();
  for (text_client& s : stuck) {
    EXPECT_TRUE(s.line().starts_with("+OK [STORED"));
  }
  stop();
}

INSTANTIATE_TEST_SUITE_P(all, hanging_disk, testing::Values(sync_mode::journal, sync_mode::late));

TEST_F(conversation, a_stop_lets_the_transaction_under_way_finish) {
  start();
  text_client idle = client();
  EXPECT_EQ(idle.ask("NOOP"), "+OK");
  text_client busy = client();
  busy.say(envelope(message, "1700000000.k1.mx1", {"ann@example.org"}));
  EXPECT_EQ(envelope_answers(busy, 1), "all accepted");
  entrance_->close();
  entrance_->sessions().ask_all_to_finish();
  EXPECT_EQ(idle.line(), "(closed)");
  busy.say(message);
  EXPECT_TRUE(busy.line().starts_with("+OK [STORED"));
  EXPECT_EQ(busy.line(), "(closed)");
}

TEST_F(conversation, a_partition_that_is_missing_does_not_disturb_its_neighbour_and_heals) {
  std::filesystem::rename(path_of("mail2"), path_of("away"));
  settings_.live.look_at_partitions = 1s;
  start();
  {
    text_client c = client();
    EXPECT_TRUE(
        transaction(c, message, "k1", {"ann@example.org"}, "mail2").starts_with("-ERR [NOPRTN]"));
  }
  text_client neighbour = client();
  EXPECT_TRUE(transaction(neighbour, message, "k2", {"ann@example.org"}).starts_with("+OK"));
  std::filesystem::rename(path_of("away"), path_of("mail2"));
  std::string answer;
  while (!answer.starts_with("+OK")) {
    text_client c = client();
    std::this_thread::sleep_for(20ms);
    answer = transaction(c, message, "k3", {"bob@example.org"}, "mail2");
    ASSERT_TRUE(answer.starts_with("+OK") || answer.starts_with("-ERR [NOPRTN]")) << answer;
  }
  EXPECT_EQ(mail_of("mail2", "bob").size(), 1U);
}

class reloading : public whole_store {
 protected:
  void write_settings(const std::string& partitions, const std::string& more = {}) {
    std::ofstream(path_of("stored.yaml")) << "partitions:\n" + partitions + more;
  }
  std::string partition(const std::string& name, const std::string& more = {}) {
    return "  - name: " + name + "\n    path: " + path_of(name) + "\n" + more;
  }
  void reload_now() {
    stored::reload(path_of("stored.yaml"), settings_,
                   {*identities_, *deliveries_, *partitions_, *journals_, *intake_, *entrance_});
  }
  // What a transaction gets, asked again while the partition is being opened.
  std::string answer_of(const std::string& name) {
    std::string answer;
    do {
      text_client c = client();
      answer = transaction(c, message, fmt::format("k{}", ++keys_), {"ann@example.org"}, name);
    } while (answer == "-ERR [TEMP] partition " + name + " is not open yet");
    return answer;
  }
  int keys_ = 0;
};

TEST_F(reloading, adds_and_removes_partitions_without_dropping_a_session) {
  start();
  text_client c = client();
  EXPECT_TRUE(transaction(c, message, "first", {"ann@example.org"}).starts_with("+OK"));
  std::filesystem::create_directory(path_of("mail3"));
  ASSERT_TRUE(maildir::partition::initialise(files_, path_of("mail3"), {.name = "mail3"}, {}));
  write_settings(partition("mail2", "    state: offline\n") + partition("mail3"));
  // Begun before the change: it is finished.
  c.say(envelope(message, "second", {"ann@example.org"}));
  EXPECT_EQ(envelope_answers(c, 1), "all accepted");
  reload_now();
  c.say(message);
  EXPECT_TRUE(c.line().starts_with("+OK [STORED"));
  EXPECT_EQ(answer_of("mail1"), "-ERR [NOPRTN] this store has no partition mail1");
  EXPECT_EQ(answer_of("mail2"), "-ERR [TEMP] partition mail2 is offline");
  EXPECT_TRUE(answer_of("mail3").starts_with("+OK"));
  EXPECT_EQ(c.ask("NOOP"), "+OK") << "the session goes on";
}

TEST_F(reloading, limits_hold_for_new_sessions) {
  start();
  text_client old = client();
  EXPECT_EQ(old.ask("NOOP"), "+OK");
  write_settings(partition("mail1"), "limits:\n  message_size: 1 KiB\n");
  reload_now();
  EXPECT_TRUE(old.ask("CAPA").find("SIZE=67108864") != std::string::npos);
  EXPECT_TRUE(client().ask("CAPA").find("SIZE=1024") != std::string::npos);
}

TEST_F(reloading, a_file_with_a_fault_changes_nothing) {
  start();
  for (const std::string& text :
       {std::string("partitions: nonsense\n"), std::string("partitons: []\n"),
        "partitions:\n" + partition("mail2") + "limits:\n  sessions: many\n"}) {
    std::ofstream(path_of("stored.yaml")) << text;
    reload_now();
    EXPECT_TRUE(answer_of("mail1").starts_with("+OK"));
  }
  std::filesystem::remove(path_of("stored.yaml"));
  reload_now();
  EXPECT_TRUE(answer_of("mail1").starts_with("+OK"));
}
