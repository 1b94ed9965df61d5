// The commands that talk to stores: status and deliver-test.

#include "tests/unit/admin/admin_support.hpp"
#include "tests/unit/admin/line_store.hpp"

namespace homeward::admin {
namespace {

using testing::admin_test;
using ::testing::Contains;
using testing::good_store;
using ::testing::HasSubstr;
using testing::line_store;
using ::testing::Not;
using ::testing::StartsWith;

class stores : public admin_test {
 protected:
  void SetUp() override { make_directory(); }
  void reach(const std::string& server, const line_store& at) {
    ok({"server", "set", server, "--endpoint", at.endpoint()});
  }
};

TEST_F(stores, status_of_one_that_answers_and_one_that_does_not) {
  const line_store store(good_store("mail1"));
  reach("store1", store);
  ok({"partition", "add", "store1/mail2"});
  const auto r = run({"status"});
  EXPECT_EQ(r.code, 1);
  EXPECT_THAT(r.out, HasSubstr("homeward/9.9"));
  EXPECT_THAT(r.out, HasSubstr("12 %"));
  EXPECT_THAT(r.out, HasSubstr("1.0 GiB  4.0 GiB      25"));
  EXPECT_THAT(r.out, HasSubstr("MISSING: this store has no such partition"));
  EXPECT_THAT(r.out, HasSubstr("store2  DOWN"));
  EXPECT_THAT(r.out, HasSubstr("server store2 cannot be reached\n  127.0.0.1:2: "));
  EXPECT_THAT(store.lines(), Not(Contains(StartsWith("DATA")))) << "it only looks";
}

TEST_F(stores, status_as_json) {
  const line_store store(good_store("mail1"));
  reach("store1", store);
  const auto r = run({"status", "store1", "--json"});
  EXPECT_EQ(r.code, 0);
  const auto j = r.json();
  ASSERT_EQ(j.size(), 1U);
  EXPECT_EQ(j[0]["reachable"], true);
  EXPECT_EQ(j[0]["version"], "9.9");
  EXPECT_EQ(j[0]["busy_percent"], 12);
  EXPECT_EQ(j[0]["partitions"][0]["there"], true);
  EXPECT_EQ(j[0]["partitions"][0]["free"], 1073741824);
  EXPECT_EQ(j[0]["partitions"][0]["users"], 1);
  const auto down = run({"status", "store2", "--json"});
  EXPECT_EQ(down.code, 1);
  EXPECT_EQ(down.json()[0]["reachable"], false);
  EXPECT_THAT(down.json()[0]["error"]["what"], HasSubstr("cannot be reached"));
  EXPECT_EQ(run({"status", "store9"}).code, 2);
}

TEST_F(stores, status_of_something_else_that_listens_there) {
  const line_store smtp([](const std::string& /*line*/) { return "502 5.5.2 unknown command"; });
  reach("store1", smtp);
  const auto r = run({"status", "store1"});
  EXPECT_EQ(r.code, 1);
  EXPECT_THAT(r.out, HasSubstr("does not speak the storage protocol"));
  const line_store hangs_up([](const std::string& /*line*/) { return "close"; });
  reach("store1", hangs_up);
  EXPECT_THAT(run({"status", "store1"}).out, HasSubstr("does not answer"));
}

TEST_F(stores, status_waits_only_so_long_for_a_silent_store) {
  const line_store silent([](const std::string& /*line*/) { return ""; });
  reach("store1", silent);
  const auto r = run({"status", "store1", "--timeout", "0.2"});
  EXPECT_EQ(r.code, 1);
  EXPECT_THAT(r.out, HasSubstr("store1  DOWN"));
  EXPECT_EQ(run({"status", "--timeout", "0"}).code, 64);
}

TEST_F(stores, status_of_a_base_store_and_of_paths) {
  const line_store base([](const std::string& line) -> std::string {
    return line.starts_with("CAPA") ? "-ERR unknown command" : "+OK";
  });
  reach("store1", base);
  EXPECT_THAT(ok({"status", "store1"}), HasSubstr("store1  up"));
  ok({"server", "add", "nfs"});
  ok({"partition", "add", "nfs/here", "--kind", "path", "--path", folder_});
  EXPECT_THAT(ok({"status", "nfs"}), HasSubstr("there"));
  ok({"partition", "add", "nfs/away", "--kind", "path", "--path", path("not-mounted")});
  const auto r = run({"status", "nfs"});
  EXPECT_EQ(r.code, 1);
  EXPECT_THAT(r.out, HasSubstr("MISSING: "));
}

TEST_F(stores, deliver_test_stores_and_shows_every_step) {
  const line_store store(good_store("mail1"));
  reach("store1", store);
  ok({"user", "set", "ann@example.org", "--quota", "1 GiB"});
  const auto r = run({"deliver-test", "Ann+x@example.org"});
  EXPECT_EQ(r.code, 0);
  for (const char* step :
       {"resolve", "connect", "CAPA", "SIZE", "NAME", "PRTN", "FROM", "RCPT", "DATA"}) {
    EXPECT_THAT('\n' + r.out, HasSubstr(std::string("\n") + step + "  ")) << step;
  }
  EXPECT_THAT(r.out, HasSubstr("new/1700000000.first.mx1,S=...,W=... in example.org/ann/Maildir"));
}

TEST_F(stores, deliver_test_says_what_a_bridge_would_say) {
  const line_store store(good_store("mail1"));
  reach("store1", store);
  ok({"user", "set", "ann@example.org", "--quota", "1 GiB"});
  const auto r = run({"--json", "deliver-test", "Ann+x@example.org", "--from", "bob@example.net"});
  EXPECT_EQ(r.code, 0);
  const auto j = r.json();
  EXPECT_EQ(j["stored"], true);
  EXPECT_EQ(j["name"], "1700000000.first.mx1") << "the name that the store told";
  EXPECT_EQ(j["steps"].size(), 9U);
  EXPECT_GE(j["steps"][8]["milliseconds"], 0.0);
  const auto lines = store.lines();
  EXPECT_THAT(lines, Contains("PRTN mail1"));
  EXPECT_THAT(lines, Contains("FROM <bob@example.net>"));
  EXPECT_THAT(lines, Contains(HasSubstr("RCPT <ann@example.org> ")));
  EXPECT_THAT(lines, Contains(HasSubstr("QUOTA=1073741824")));
  EXPECT_THAT(lines, Contains(HasSubstr("EPOCH=1")));
  EXPECT_THAT(lines, Contains(HasSubstr("X-Homeward-Test: " + j["test_id"].get<std::string>())));
  EXPECT_THAT(lines, Contains(HasSubstr("Auto-Submitted: auto-generated\r\n")));
}

TEST_F(stores, deliver_test_to_a_store_that_refuses) {
  const line_store store([](const std::string& line) -> std::string {
    return line.starts_with("RCPT") ? "-ERR [QUOTA] the mailbox is over its limit" : "+OK";
  });
  reach("store1", store);
  auto r = run({"deliver-test", "ann@example.org"});
  EXPECT_EQ(r.code, 75) << "over quota is a passing fault";
  EXPECT_THAT(r.out, HasSubstr("-ERR [QUOTA] the mailbox is over its limit"));
  EXPECT_THAT(r.out, Not(HasSubstr("Stored:")));
  EXPECT_THAT(store.lines(), Not(Contains("DATA")));
  const line_store never([](const std::string& line) -> std::string {
    return line.starts_with("RCPT") ? "-ERR [NOUSER] there is no such mailbox" : "+OK";
  });
  reach("store1", never);
  r = run({"deliver-test", "ann@example.org"});
  EXPECT_EQ(r.code, 1);
}

TEST_F(stores, deliver_test_that_ends_in_the_dark_says_so) {
  const line_store store([](const std::string& line) -> std::string {
    return line.starts_with("From:") ? "close" : "+OK";
  });
  reach("store1", store);
  const auto r = run({"deliver-test", "ann@example.org"});
  EXPECT_EQ(r.code, 75);
  EXPECT_THAT(r.err, HasSubstr("may or may not have the message"));
}

TEST_F(stores, deliver_test_where_front_ends_would_not_deliver) {
  EXPECT_EQ(run({"deliver-test", "ann@example.org"}).code, 75) << "nobody listens";
  auto r = run({"deliver-test", "nobody@example.org"});
  EXPECT_EQ(r.code, 1);
  EXPECT_THAT(r.err, HasSubstr("nobody has this address"));
  ok({"partition", "set", "store1/mail1", "--state", "offline"});
  r = run({"deliver-test", "ann@example.org"});
  EXPECT_EQ(r.code, 1);
  EXPECT_THAT(r.err, HasSubstr("homewardctl partition set store1/mail1 --state active"));
  ok({"partition", "set", "store1/mail1", "--state", "active"});
  ok({"user", "set", "ann@example.org", "--state", "disabled"});
  EXPECT_THAT(run({"deliver-test", "ann@example.org"}).err, HasSubstr("the user is disabled"));
  ok({"server", "add", "nfs"});
  ok({"partition", "add", "nfs/old", "--kind", "path", "--path", "/mnt/old"});
  ok({"user", "add", "old@example.org", "--home", "nfs/old"});
  EXPECT_THAT(run({"deliver-test", "old@example.org"}).err, HasSubstr("the path /mnt/old"));
}

} // namespace
} // namespace homeward::admin
