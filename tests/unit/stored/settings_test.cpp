#include <string>

#include <gtest/gtest.h>

#include "stored/service/settings.hpp"

using namespace homeward;
using namespace homeward::stored;
using namespace std::chrono_literals;

namespace {

const std::string one_partition = "partitions:\n  - name: mail1\n    path: /srv/mail1\n";

config::outcome<settings> read(const std::string& text) {
  return settings_table().parse_text(text, "stored.yaml");
}

// The only problem of a text, as the operator sees it.
std::string problem_of(const std::string& text) {
  const auto outcome = read(text);
  if (outcome) {
    return "no problem";
  }
  return outcome.error().size() == 1 ? to_string(outcome.error().front())
                                     : to_string(outcome.error());
}

} // namespace

TEST(stored_settings, the_example_means_the_defaults) {
  const auto outcome = read(settings_table().example_file());
  ASSERT_TRUE(outcome) << to_string(outcome.error());
  const settings& s = *outcome;
  ASSERT_EQ(s.fixed.listen.size(), 1U);
  EXPECT_EQ(s.fixed.listen[0].address, "127.0.0.1:2400");
  EXPECT_EQ(s.fixed.durability, sync_mode::journal);
  EXPECT_EQ(filing_of(s.fixed).recipe, maildir::sync_recipe::none);
  EXPECT_EQ(filing_of(s.fixed).taken, maildir::when_taken::is_repeat);
  EXPECT_EQ(journals_of(s).farm, "homeward");
  EXPECT_EQ(journals_of(s).segments.size, 64_MiB);
  EXPECT_EQ(journals_of(s).checkpoint, 5s);
  EXPECT_EQ(journals_of(s).identities.age, 24h * 7);
  EXPECT_EQ(s.live.sessions.total, 512U);
  EXPECT_EQ(s.live.sessions.per_peer, 50U);
  EXPECT_EQ(s.live.times.server_idle, 60s);
  EXPECT_EQ(s.live.deliveries.commit, 60s);
  EXPECT_EQ(s.live.identities.age, 24h * 7);
  ASSERT_EQ(s.live.partitions.size(), 1U);
  EXPECT_EQ(s.live.partitions[0].name, "mail1");
}

TEST(stored_settings, the_fewest_settings_that_are_shipped_are_good) {
  const auto shipped =
      settings_table().parse_file(HOMEWARD_SOURCE_DIR "/packaging/examples/stored.yaml");
  EXPECT_TRUE(shipped) << to_string(shipped.error());
}

TEST(stored_settings, what_is_printed_reads_back) {
  const auto first = read(one_partition + "    state: draining\n    peers: [192.0.2.1]\n"
                                          "times:\n  commit: 30s\n");
  ASSERT_TRUE(first) << to_string(first.error());
  const auto second = read(settings_table().print(*first));
  ASSERT_TRUE(second) << to_string(second.error());
  EXPECT_EQ(second->live.partitions, first->live.partitions);
  EXPECT_EQ(second->live.deliveries.commit, 30s);
}

TEST(stored_settings, a_listener_for_other_hosts_needs_the_words) {
  for (const char* address : {"192.0.2.1:2400", "*:2400", "0.0.0.0:2400", "[2001:db8::1]:2400"}) {
    const std::string listen = "listen:\n  - address: \"" + std::string(address) + "\"\n";
    EXPECT_EQ(problem_of(one_partition + listen),
              "stored.yaml:5: listen[0].address: can be reached from other hosts, and the storage "
              "protocol is not encrypted; listen on 127.0.0.1, [::1] or a unix socket, or write "
              "\"cleartext_beyond_loopback: accept-the-risk\"")
        << address;
    EXPECT_EQ(problem_of(one_partition + listen + "cleartext_beyond_loopback: accept-the-risk\n"),
              "no problem");
  }
  for (const char* address : {"127.0.0.1:2400", "[::1]:2400", "unix:/run/stored.sock"}) {
    EXPECT_EQ(problem_of(one_partition + "listen:\n  - address: \"" + address + "\"\n"),
              "no problem");
  }
}

TEST(stored_settings, a_store_needs_a_partition) {
  EXPECT_NE(problem_of("log_level: info\n").find("partitions"), std::string::npos);
}

TEST(stored_settings, bad_values_are_named_with_their_line_and_what_is_meant) {
  const struct {
    std::string text;
    std::string problem;
  } cases[] = {
      {"partitions:\n  - name: .hidden\n    path: /srv/mail1\n",
       "stored.yaml:2: partitions[0].name: \".hidden\" is not a partition name; use 1 to 64 of A-Z "
       "a-z 0-9 . _ - without a leading dot"},
      {"partitions:\n  - name: mail1\n    path: srv/mail1\n",
       "stored.yaml:3: partitions[0].path: \"srv/mail1\" is not an absolute path; write it as "
       "/srv/mail1"},
      {one_partition + "  - name: mail2\n    path: /srv/mail1\n",
       "stored.yaml:5: partitions[1].path: is the path of partition mail1 too; every partition "
       "needs a directory of its own"},
      {one_partition + "threads:\n  filing: 4\n  filing_per_partition: 4\n",
       "stored.yaml:6: threads.filing_per_partition: leaves no thread to other partitions; write "
       "less than threads.filing, which is 4"},
      {one_partition + "limits:\n  sessions: 10\n  sessions_per_peer: 11\n",
       "stored.yaml:6: limits.sessions_per_peer: is more than limits.sessions; make it smaller"},
      {one_partition + "limits:\n  memory: 1 MiB\n  message_memory: 2 MiB\n",
       "stored.yaml:6: limits.message_memory: is more than limits.memory; make it smaller"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(problem_of(c.text).substr(0, c.problem.size()), c.problem);
  }
}

TEST(stored_settings, names_that_are_used_twice_and_modes_and_networks_are_checked) {
  EXPECT_NE(problem_of(one_partition + "  - name: mail1\n    path: /srv/mail2\n"), "no problem");
  EXPECT_NE(problem_of(one_partition + "listen:\n  - address: unix:/run/s\n    mode: rw\n"),
            "no problem");
  EXPECT_NE(problem_of(one_partition + "peers: [192.0.2.300]\n"), "no problem");
  EXPECT_NE(problem_of(one_partition + "times:\n  commit: 121s\n"), "no problem")
      << "the bridge waits 125 s";
}

TEST(stored_settings, only_what_holds_for_the_life_of_the_process_needs_a_restart) {
  const settings running = *read(one_partition);
  const settings live = *read(one_partition + "  - name: mail2\n    path: /srv/mail2\n"
                                              "log_level: debug\nlimits:\n  sessions: 100\n");
  EXPECT_TRUE(settings_table().needs_restart(running, live).empty());
  const settings fixed = *read(one_partition + "sync_mode: strict\n");
  EXPECT_EQ(settings_table().needs_restart(running, fixed).size(), 1U);
}
