#include <gmock/gmock.h>

#include "lib/directory/replica.hpp"
#include "lib/directory/yaml_engine.hpp"

#include "tests/unit/directory/directory_support.hpp"

namespace homeward::directory {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace testing; // NOLINT: the helpers above

const std::string places = "servers:\n"
                           "  - {name: store1, endpoints: [127.0.0.1:2401]}\n"
                           "  - {name: nfs}\n"
                           "partitions:\n"
                           "  - {server: store1, directory: mail1}\n"
                           "  - {server: nfs, directory: old, kind: path, path: /mnt/old}\n";
const std::string good = places + "users:\n"
                                  "  - {mailbox: bob@example.org, home: nfs/old}\n"
                                  "  - mailbox: ann@example.org\n"
                                  "    home: store1/mail1\n"
                                  "    secondary: nfs/old\n"
                                  "    quota: 1 GiB\n"
                                  "    state: disabled\n"
                                  "    epoch: 4\n";

class yaml_engine_test : public ::testing::Test {
 protected:
  void write(const std::string& text) { std::ofstream(file_) << text; }

  folder folder_;
  std::string file_ = folder_ / "users.yaml";
  yaml_engine engine_{file_};
};

TEST_F(yaml_engine_test, reads_a_list) {
  write(good);
  recorder all;
  must(engine_.load(all));
  EXPECT_THAT(all.lines,
              ElementsAre("server store1", "server nfs", "partition store1/mail1 active",
                          "partition nfs/old active", "user ann@example.org store1/mail1 4",
                          "user bob@example.org nfs/old 1"));
  const auto ann = must(engine_.find_user("ann@example.org"));
  ASSERT_TRUE(ann);
  EXPECT_EQ(ann->where.quota, 1_GiB);
  EXPECT_EQ(ann->where.state, user_state::disabled);
  EXPECT_EQ(ann->where.secondary, (partition_id{"nfs", "old"}));
  EXPECT_FALSE(must(engine_.find_user("eve@example.org")));
  EXPECT_EQ(must(engine_.usage())[1].primary, 1U);
}

TEST_F(yaml_engine_test, a_changed_file_is_read_again_a_broken_one_is_not_used) {
  write(good);
  manual_clock clock;
  replica r(clock);
  EXPECT_TRUE(must(r.refresh(engine_)).reloaded);
  EXPECT_EQ(must(r.refresh(engine_)).changed, 0U);
  write(good + "  - {mailbox: eve@example.org, home: store1/mail1}\n");
  EXPECT_TRUE(must(r.refresh(engine_)).reloaded);
  EXPECT_EQ(r.view().users(), 3U);
  write(good + "  - {mailbox: eve@example.org, home: store1/mail2}\n");
  const auto broken = r.refresh(engine_);
  EXPECT_THAT(words(broken), HasSubstr(file_ + ":15: users[2].home: there is no partition "
                                               "\"store1/mail2\" in this file"));
  EXPECT_EQ(broken.error().kind, failure_kind::transient);
  EXPECT_EQ(r.view().users(), 3U) << "the last good state";
  std::filesystem::remove(file_);
  EXPECT_THAT(words(r.refresh(engine_)), HasSubstr("No such file"));
  EXPECT_EQ(r.view().users(), 3U);
}

TEST_F(yaml_engine_test, cannot_be_written) {
  write(good);
  const auto refused = engine_.begin();
  EXPECT_THAT(words(refused), HasSubstr("Edit " + file_ + " yourself"));
}

TEST_F(yaml_engine_test, lists_with_filters) {
  write(good);
  const auto list = [&](const user_filter& filter) {
    std::string names;
    must(engine_.each_user(filter, [&](const user& u) {
      names += u.mailbox.substr(0, 3) + ' ';
      return true;
    }));
    return names;
  };
  EXPECT_EQ(list({}), "ann bob ");
  EXPECT_EQ(list({.pattern = "b*"}), "bob ");
  EXPECT_EQ(list({.on = {{"nfs", "old"}}}), "ann bob ");
  EXPECT_EQ(list({.state = user_state::active}), "bob ");
  EXPECT_EQ(list({.limit = 1}), "ann ");
}

TEST(yaml_list, what_is_written_reads_back) {
  const server s{"store1", {"127.0.0.1:2401", "unix:/run/a b"}};
  const partition p{.id = {"store1", "mail1"}, .state = partition_state::full, .weight = 7};
  const partition q{
      .id = {"store1", "old"}, .kind = partition_kind::path, .path = "/mnt/a: b, {c}"};
  const user u{"\"a, b\"@example.org",
               {.primary = p.id,
                .secondary = q.id,
                .quota = 3_KiB,
                .state = user_state::disabled,
                .epoch = 9}};
  const auto list = parse_yaml_list("servers:\n" + yaml_of(s) + "partitions:\n" + yaml_of(p) +
                                        yaml_of(q) + "users:\n" + yaml_of(u),
                                    "x");
  ASSERT_TRUE(list.has_value()) << config::to_string(list.error());
  EXPECT_EQ(list->servers, std::vector{s});
  EXPECT_EQ(list->partitions, (std::vector{p, q}));
  EXPECT_EQ(list->users, std::vector{u});
}

TEST(yaml_list, the_example_is_a_good_list) {
  const auto list = parse_yaml_list(example_yaml_list(), "example");
  ASSERT_TRUE(list.has_value()) << config::to_string(list.error());
  EXPECT_EQ(list->users.at(0).mailbox, "ann@example.org");
}

struct bad_list {
  const char* name;
  std::string text;
  const char* expected;
};

class bad_lists : public ::testing::TestWithParam<bad_list> {};

TEST_P(bad_lists, say_where_and_what) {
  const auto parsed = parse_yaml_list(GetParam().text, "x.yaml");
  ASSERT_TRUE(parsed.has_error());
  EXPECT_EQ(config::to_string(parsed.error()), std::string(GetParam().expected) + '\n');
}

const bad_list lists[] = {
    {"no_users", places, "x.yaml: users: is missing; it must be given"},
    {"no_home", places + "users: [{mailbox: a@b.c}]\n",
     "x.yaml:7: users[0].home: is missing; it must be given, for instance as home: store1/mail1"},
    {"home_is_no_partition", places + "users:\n  - {mailbox: a@b.c, home: store1}\n",
     "x.yaml:8: users[0].home: \"store1\" is not a partition; write it as SERVER/DIRECTORY, such "
     "as "
     "store1/mail1"},
    {"unknown_home", places + "users:\n  - {mailbox: a@b.c, home: store2/mail1}\n",
     "x.yaml:8: users[0].home: there is no partition \"store2/mail1\" in this file; add it to "
     "partitions"},
    {"user_twice",
     places + "users:\n  - {mailbox: a@b.c, home: nfs/old}\n  - {mailbox: a@b.c, home: nfs/old}\n",
     "x.yaml:9: users[1].mailbox: \"a@b.c\" is already used by the record in line 8; each must "
     "differ"},
    {"same_partition_twice_for_a_user",
     places + "users:\n  - {mailbox: a@b.c, home: nfs/old, secondary: nfs/old}\n",
     "x.yaml:8: users[0].mailbox: the second home of a@b.c is the same partition as its first"},
    {"capital_domain", places + "users:\n  - {mailbox: a@B.c, home: nfs/old}\n",
     "x.yaml:8: users[0].mailbox: \"a@B.c\" has capital letters in its domain: it would never be "
     "found"},
    {"unknown_server",
     "servers: [{name: a}]\npartitions: [{server: b, directory: c}]\nusers: [{mailbox: a, home: "
     "b/c}]\n",
     "x.yaml:2: partitions[0].server: there is no server \"b\" in this file; add it to servers"},
    {"path_without_path",
     "servers: [{name: a}]\npartitions: [{server: a, directory: c, kind: path}]\nusers: "
     "[{mailbox: a, home: a/c}]\n",
     "x.yaml:2: partitions[0].path: \"\" is not an absolute path: a partition of kind path needs "
     "one"},
    {"bad_endpoint",
     "servers: [{name: a, endpoints: [b]}]\npartitions: [{server: a, directory: c}]\nusers: "
     "[{mailbox: a, home: a/c}]\n",
     "x.yaml:1: servers[0].endpoints: \"b\" is not an address of a server: write it as host:port, "
     "[::1]:port or unix:/path"},
};

INSTANTIATE_TEST_SUITE_P(lists, bad_lists, ::testing::ValuesIn(lists),
                         [](const auto& list) { return std::string(list.param.name); });

} // namespace
} // namespace homeward::directory
