// Limits of mailboxes in conversations with a whole stored.

#include <thread>

#include "tests/unit/stored/service_fixture.hpp"

using namespace homeward;
using namespace homeward::stored;
using namespace homeward::stored::test;
using namespace std::chrono_literals;

namespace {

const std::string message = "Subject: hi\r\n\r\n" + std::string(400, 'x') + "\r\n";

class quota_conversation : public whole_store {
 protected:
  // One message; `limits`: mailbox and QUOTA. The results, cut behind their code.
  std::vector<std::string> deliver(text_client& c, const std::string& name,
                                   const std::vector<std::pair<std::string, std::uint64_t>>& limits,
                                   const std::string& partition = "mail1") {
    std::string text = fmt::format("SIZE {}\r\nNAME {}\r\nPRTN {}\r\nFROM <s@example.net>\r\n",
                                   message.size(), name, partition);
    for (const auto& [mailbox, limit] : limits) {
      text += fmt::format("RCPT <{}> QUOTA={}\r\n", mailbox, limit);
    }
    c.say(text + "DATA\r\n" + message);
    EXPECT_EQ(envelope_answers(c, limits.size()), "all accepted");
    std::vector<std::string> results;
    for (std::size_t i = 0; i < limits.size(); ++i) {
      const std::string line = c.line();
      results.push_back(line.substr(0, line.find_first_of(" ]", line.find('['))));
    }
    return results;
  }
  static const std::string stored;
  static const std::string full;
};
const std::string quota_conversation::stored = "+OK [STORED";
const std::string quota_conversation::full = "-ERR [QUOTA";

using results = std::vector<std::string>;

} // namespace

TEST_F(quota_conversation, the_full_one_is_refused_and_told_by_full) {
  start();
  text_client c = client();
  ASSERT_TRUE(c.ask("CAPA RESULTS PARAMS").starts_with("+OK"));
  EXPECT_EQ(c.ask("FULL"), "+OK [USAGE count=0]");
  EXPECT_EQ(deliver(c, "1.k1.mx", {{"ann@example.org", 500}}), results{stored});
  EXPECT_EQ(deliver(c, "1.k2.mx", {{"ann@example.org", 500}, {"bob@example.org", 0}}),
            (results{full, stored}));
  EXPECT_EQ(deliver(c, "1.k1.mx", {{"ann@example.org", 500}}), results{stored}) << "a repeat";
  EXPECT_EQ(c.ask("FULL"), "+OK [USAGE count=1]");
  const std::string line = c.line();
  EXPECT_TRUE(line.starts_with("+OK [USAGE partition=mail1 used=")) << line;
  EXPECT_TRUE(line.ends_with(" limit=500 age=0] <ann@example.org>")) << line;
  EXPECT_EQ(mail_of("mail1", "ann").size(), 1U);
}

TEST_F(quota_conversation, full_tells_the_fullest_of_all_partitions_first) {
  start();
  text_client c = client();
  ASSERT_TRUE(c.ask("CAPA RESULTS PARAMS").starts_with("+OK"));
  EXPECT_EQ(deliver(c, "1.k1.mx", {{"ann@example.org", 505}}, "mail1"), results{stored});
  EXPECT_EQ(deliver(c, "1.k2.mx", {{"bob@example.org", 480}}, "mail2"), results{stored});
  EXPECT_EQ(c.ask("FULL"), "+OK [USAGE count=2]");
  EXPECT_TRUE(c.line().ends_with("<bob@example.org>"));
  EXPECT_TRUE(c.line().ends_with("<ann@example.org>"));
}

TEST_F(quota_conversation, full_tells_only_what_the_peer_may_write_to) {
  settings_.live.partitions[1].peers = {"192.0.2.1"};
  start();
  text_client local = client();
  ASSERT_TRUE(local.ask("CAPA RESULTS PARAMS").starts_with("+OK"));
  EXPECT_EQ(deliver(local, "1.k1.mx", {{"ann@example.org", 500}}, "mail1"), results{stored});
  EXPECT_EQ(deliver(local, "1.k2.mx", {{"bob@example.org", 500}}, "mail2"), results{stored});
  EXPECT_EQ(local.ask("FULL"), "+OK [USAGE count=2]");
  text_client remote = tcp_client();
  EXPECT_EQ(remote.ask("FULL"), "+OK [USAGE count=1]");
  EXPECT_TRUE(remote.line().ends_with("<ann@example.org>"));
}

// The answers to what one write can ask are far more than the buffers hold; they must not pile up
// in memory, and all come.
TEST_F(quota_conversation, many_questions_in_one_write_are_all_answered) {
  start();
  text_client c = client();
  ASSERT_TRUE(c.ask("CAPA RESULTS PARAMS").starts_with("+OK"));
  std::vector<std::pair<std::string, std::uint64_t>> all;
  for (int i = 0; i < 50; ++i) {
    all.emplace_back(fmt::format("u{}@example.org", i), 480);
  }
  EXPECT_EQ(deliver(c, "1.k1.mx", all), results(50, stored));
  constexpr int questions = 2000;
  std::string asked;
  for (int i = 0; i < questions; ++i) {
    asked += "FULL\r\n";
  }
  std::jthread writer([&] { c.say(asked); });
  for (int i = 0; i < questions; ++i) {
    ASSERT_EQ(c.line(), "+OK [USAGE count=50]");
    for (int line = 0; line < 50; ++line) {
      ASSERT_TRUE(c.line().starts_with("+OK [USAGE partition=mail1 "));
    }
  }
  EXPECT_EQ(c.ask("NOOP"), "+OK");
}
