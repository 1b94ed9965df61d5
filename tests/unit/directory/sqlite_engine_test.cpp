#include <sys/stat.h>

#include <gmock/gmock.h>
#include <sqlite3.h>

#include "lib/directory/sqlite_database.hpp"
#include "lib/directory/sqlite_engine.hpp"

#include "tests/unit/directory/directory_support.hpp"

namespace homeward::directory {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;
using namespace testing; // NOLINT: the helpers above

class sqlite_engine_test : public small_directory {
 protected:
  std::vector<std::string> everything() {
    recorder r;
    must(engine_->load(r));
    return r.lines;
  }
  // Runs SQL as a foreign tool would.
  void by_hand(const std::string& sql) {
    auto database = must(sqlite_database::open(file, sqlite_database::mode::read_write, 1000));
    must(database->execute(sql));
  }
};

TEST_F(sqlite_engine_test, holds_what_was_put_in) {
  EXPECT_THAT(everything(),
              ElementsAre("server store1", "server store2", "partition store1/mail1 active",
                          "partition store2/mail1 active", "user ann@example.org store1/mail1 1"));
  const auto servers = must(engine_->servers());
  ASSERT_EQ(servers.size(), 2U);
  EXPECT_THAT(servers[1].endpoints, ElementsAre("127.0.0.1:2402", "unix:/run/store2"));
}

TEST_F(sqlite_engine_test, the_file_is_for_its_owner_and_group_only) {
  struct stat facts = {};
  ASSERT_EQ(::stat(file.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0660U);
}

TEST_F(sqlite_engine_test, an_existing_file_is_never_overwritten) {
  EXPECT_THAT(words(sqlite_engine::initialise(file)), HasSubstr("exists already"));
  EXPECT_EQ(everything().size(), 5U);
}

TEST_F(sqlite_engine_test, all_fields_of_a_user_and_a_partition_survive) {
  {
    auto e = must(engine_->begin());
    must(e->add(server{.name = "nfs"}));
    must(e->add(partition{.id = {"nfs", "old"},
                          .kind = partition_kind::path,
                          .state = partition_state::draining,
                          .weight = 0,
                          .path = "/mnt/nfs mail"}));
    must(e->add(user{.mailbox = "bob@example.org",
                     .where = {.primary = {"nfs", "old"},
                               .secondary = {{"store1", "mail1"}},
                               .quota = 5_GiB,
                               .state = user_state::disabled}}));
    must(e->commit());
  }
  const auto bob = must(engine_->find_user("bob@example.org"));
  ASSERT_TRUE(bob);
  EXPECT_EQ(bob->where.secondary, (partition_id{"store1", "mail1"}));
  EXPECT_EQ(bob->where.quota, 5_GiB);
  EXPECT_EQ(bob->where.state, user_state::disabled);
  const auto partitions = must(engine_->partitions());
  ASSERT_EQ(partitions.size(), 3U);
  EXPECT_EQ(partitions[2].path, "/mnt/nfs mail");
  EXPECT_EQ(partitions[2].weight, 0U);
  EXPECT_FALSE(must(engine_->find_user("nobody@example.org")));
}

TEST_F(sqlite_engine_test, an_edit_without_commit_never_happened) {
  {
    auto e = must(engine_->begin());
    must(e->add(user_on("bob@example.org", "store2")));
    must(e->remove_user("ann@example.org"));
  }
  EXPECT_TRUE(must(engine_->find_user("ann@example.org")));
  EXPECT_FALSE(must(engine_->find_user("bob@example.org")));
}

TEST_F(sqlite_engine_test, wrong_edits_are_refused_with_advice) {
  auto e = must(engine_->begin());
  EXPECT_THAT(words(e->add(user_on("ann@example.org", "store2"))),
              HasSubstr("there is a user ann@example.org already. Change it with `homewardctl user "
                        "set`."));
  EXPECT_THAT(words(e->add(user_on("bob@example.org", "store9"))),
              HasSubstr("there is no partition store9/mail1"));
  EXPECT_THAT(words(e->add(user_on("bob@EXAMPLE.org", "store1"))), HasSubstr("capital letters"));
  EXPECT_THAT(words(e->set(user_on("bob@example.org", "store1"))),
              HasSubstr("there is no user bob@example.org"));
  EXPECT_THAT(words(e->remove_user("bob@example.org")), HasSubstr("there is no user"));
  EXPECT_THAT(words(e->add(server{.name = "store1"})), HasSubstr("already"));
  EXPECT_THAT(words(e->add(server{.name = "a b"})), HasSubstr("is not a server name"));
  EXPECT_THAT(words(e->set(server{.name = "store9"})), HasSubstr("there is no server store9"));
  EXPECT_THAT(words(e->remove_server("store9")), HasSubstr("there is no server store9"));
  EXPECT_THAT(words(e->remove_server("store1")), HasSubstr("server store1 still has 1 partition"));
  EXPECT_THAT(words(e->add(partition{.id = {"store1", "mail1"}})), HasSubstr("already"));
  EXPECT_THAT(words(e->add(partition{.id = {"store9", "mail1"}})), HasSubstr("there is no server"));
  EXPECT_THAT(words(e->remove_partition({"store1", "mail1"})),
              HasSubstr("1 user still lives on partition store1/mail1"));
  EXPECT_THAT(words(e->remove_partition({"store1", "mail9"})), HasSubstr("there is no partition"));
  // None of it has spoilt the edit.
  must(e->add(user_on("bob@example.org", "store2")));
  must(e->commit());
  EXPECT_TRUE(must(engine_->find_user("bob@example.org")));
}

TEST_F(sqlite_engine_test, every_change_of_the_home_raises_the_epoch) {
  set_user(user_on("ann@example.org", "store2"));
  EXPECT_EQ(must(engine_->find_user("ann@example.org"))->where.epoch, 2U);
  user with_second = user_on("ann@example.org", "store2");
  with_second.where.secondary = partition_id{"store1", "mail1"};
  set_user(with_second);
  EXPECT_EQ(must(engine_->find_user("ann@example.org"))->where.epoch, 3U);
  with_second.where.quota = 1_GiB;
  set_user(with_second);
  EXPECT_EQ(must(engine_->find_user("ann@example.org"))->where.epoch, 3U) << "same home";
  by_hand("UPDATE users SET primary_partition = 1, secondary_partition = NULL");
  EXPECT_EQ(must(engine_->find_user("ann@example.org"))->where.epoch, 4U) << "by hand as well";
}

TEST_F(sqlite_engine_test, the_epoch_of_a_removed_user_is_not_given_again) {
  set_user(user_on("ann@example.org", "store2"));
  remove_user("ann@example.org");
  const auto former = must(engine_->find_former("ann@example.org"));
  ASSERT_TRUE(former);
  EXPECT_EQ(former->home, "store2/mail1");
  EXPECT_GT(former->removed_at, 1'700'000'000);
  auto e = must(engine_->begin());
  EXPECT_EQ(must(e->add(user_on("ann@example.org", "store2"))).where.epoch, 3U);
  must(e->commit());
  EXPECT_EQ(must(engine_->find_user("ann@example.org"))->where.epoch, 3U);
  EXPECT_FALSE(must(engine_->find_former("ann@example.org"))) << "it is no former one any more";
}

TEST_F(sqlite_engine_test, the_database_itself_refuses_what_would_lose_mail) {
  auto database = must(sqlite_database::open(file, sqlite_database::mode::read_write, 1000));
  EXPECT_THAT(words(database->execute("UPDATE users SET mailbox = 'x@example.org'")),
              HasSubstr("cannot be renamed"));
  EXPECT_THAT(words(database->execute("UPDATE partitions SET directory = 'mail2'")),
              HasSubstr("cannot be renamed"));
  must(database->execute("UPDATE users SET epoch = 7"));
  EXPECT_THAT(words(database->execute("UPDATE users SET epoch = 6")), HasSubstr("never sinks"));
  EXPECT_NE(words(database->execute("DELETE FROM partitions")), "");
  EXPECT_NE(words(database->execute("UPDATE users SET state = 'gone'")), "");
}

TEST_F(sqlite_engine_test, tells_what_changed_since) {
  recorder before;
  const auto known = must(engine_->load(before));
  {
    auto e = must(engine_->begin());
    must(e->add(server{.name = "store3", .endpoints = {"h:1"}}));
    must(e->add(partition{.id = {"store3", "mail1"}}));
    must(e->add(user_on("bob@example.org", "store3")));
    must(e->set(partition{.id = {"store1", "mail1"}, .state = partition_state::draining}));
    must(e->set(user_on("ann@example.org", "store2")));
    must(e->commit());
  }
  recorder changes;
  const auto reached = must(engine_->changes_since(known, changes));
  ASSERT_TRUE(reached);
  EXPECT_GT(reached->change, known.change);
  EXPECT_THAT(changes.lines, UnorderedElementsAre("server store3", "partition store3/mail1 active",
                                                  "partition store1/mail1 draining",
                                                  "user bob@example.org store3/mail1 1",
                                                  "user ann@example.org store2/mail1 2"));
  recorder nothing;
  EXPECT_EQ(must(engine_->changes_since(*reached, nothing)), reached);
  EXPECT_TRUE(nothing.lines.empty());
}

TEST_F(sqlite_engine_test, tells_what_is_gone_and_what_was_changed_by_hand) {
  recorder before;
  const auto known = must(engine_->load(before));
  {
    auto e = must(engine_->begin());
    must(e->remove_user("ann@example.org"));
    must(e->remove_partition({"store1", "mail1"}));
    must(e->remove_server("store1"));
    must(e->commit());
  }
  by_hand("INSERT INTO users (mailbox, primary_partition) VALUES ('eve@example.org', 2)");
  recorder changes;
  ASSERT_TRUE(must(engine_->changes_since(known, changes)));
  EXPECT_THAT(changes.lines,
              UnorderedElementsAre("no user ann@example.org", "no partition store1/mail1",
                                   "no server store1", "user eve@example.org store2/mail1 1"));
}

TEST_F(sqlite_engine_test, asks_for_a_full_load_when_it_cannot_tell) {
  recorder all;
  auto known = must(engine_->load(all));
  recorder none;
  EXPECT_FALSE(must(engine_->changes_since({"another generation", known.change}, none)));
  EXPECT_FALSE(must(engine_->changes_since({known.generation, known.change + 1}, none)));
  add_users({user_on("bob@example.org", "store1"), user_on("eve@example.org", "store1")});
  by_hand("DELETE FROM change_log WHERE change <= " + std::to_string(known.change + 1));
  EXPECT_FALSE(must(engine_->changes_since(known, none))) << "the log was cut";
  known.change += 1;
  EXPECT_TRUE(must(engine_->changes_since(known, none)));
  by_hand("DELETE FROM change_log");
  known.change += 1;
  EXPECT_EQ(must(engine_->changes_since(known, none)), known)
      << "an emptied log has no new numbers";
}

TEST_F(sqlite_engine_test, lists_with_filters) {
  add_users({user_on("bob@example.org", "store2"),
             user_on("eve@other.net", "store2"),
             {.mailbox = "old@example.org",
              .where = {.primary = {"store1", "mail1"},
                        .secondary = {{"store2", "mail1"}},
                        .state = user_state::disabled}}});
  const auto list = [&](const user_filter& filter) {
    std::string names;
    must(engine_->each_user(filter, [&](const user& u) {
      names += u.mailbox.substr(0, 3) + ' ';
      return true;
    }));
    return names;
  };
  EXPECT_EQ(list({}), "ann bob eve old ");
  EXPECT_EQ(list({.pattern = "*@example.org"}), "ann bob old ");
  EXPECT_EQ(list({.pattern = "[ab]*"}), "") << "brackets are no wildcard";
  EXPECT_EQ(list({.pattern = "?ob@*"}), "bob ");
  EXPECT_EQ(list({.on = {{"store2", "mail1"}}}), "bob eve old ");
  EXPECT_EQ(list({.state = user_state::disabled}), "old ");
  EXPECT_EQ(list({.limit = 2}), "ann bob ");
  const auto usage = must(engine_->usage());
  EXPECT_EQ(usage[0].primary, 2U);
  EXPECT_EQ(usage[1].primary, 2U);
  EXPECT_EQ(usage[1].secondary, 1U);
}

TEST_F(sqlite_engine_test, new_users_are_dealt_out_in_turn_across_restarts) {
  const auto place = [&](int times) {
    sqlite_engine other(file);
    auto e = must(other.begin());
    std::string dealt;
    for (int i = 0; i < times; ++i) {
      dealt += must(e->place_next()).server.back();
    }
    must(e->commit());
    return dealt;
  };
  EXPECT_EQ(place(3), "121");
  EXPECT_EQ(place(2), "21");
  {
    auto e = must(engine_->begin());
    EXPECT_EQ(must(e->place_next()).server, "store2");
    // Not committed: the turn is not used up.
  }
  EXPECT_EQ(place(2), "21");
}

TEST_F(sqlite_engine_test, only_active_partitions_with_a_weight_get_new_users) {
  auto e = must(engine_->begin());
  must(e->set(partition{.id = {"store1", "mail1"}, .state = partition_state::draining}));
  EXPECT_EQ(must(e->place_next()).server, "store2");
  EXPECT_EQ(must(e->place_next()).server, "store2");
  must(e->set(partition{.id = {"store2", "mail1"}, .weight = 0}));
  EXPECT_THAT(words(e->place_next()), HasSubstr("no partition that takes new users"));
  must(e->set(partition{.id = {"store1", "mail1"}, .state = partition_state::full}));
  EXPECT_THAT(words(e->place_next()), HasSubstr("no partition that takes new users"));
}

TEST_F(sqlite_engine_test, placing_users_is_no_change_that_replicas_must_hear_of) {
  recorder all;
  const auto known = must(engine_->load(all));
  auto e = must(engine_->begin());
  must(e->place_next());
  must(e->commit());
  recorder none;
  EXPECT_EQ(must(engine_->changes_since(known, none)), known);
}

// ---- what can be wrong with the file ----

TEST_F(sqlite_engine_test, locked_by_another_writer) {
  sqlite_engine other(file);
  const auto holds = must(other.begin());
  const auto refused = engine_->begin();
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().kind, failure_kind::transient);
  EXPECT_THAT(describe(refused.error()), HasSubstr("Another program holds a lock on it"));
  recorder all;
  EXPECT_TRUE(engine_->load(all).has_value()) << "reading does not wait for writers";
}

TEST_F(sqlite_engine_test, away_and_back) {
  std::filesystem::rename(file, file + ".away");
  recorder all;
  const auto missing = engine_->load(all);
  ASSERT_TRUE(missing.has_error());
  EXPECT_EQ(missing.error().kind, failure_kind::transient);
  EXPECT_THAT(describe(missing.error()), HasSubstr("No such file"));
  EXPECT_FALSE(std::filesystem::exists(file)) << "an empty directory must never appear by itself";
  std::filesystem::rename(file + ".away", file);
  EXPECT_TRUE(engine_->load(all).has_value());
}

TEST_F(sqlite_engine_test, replaced_by_another_file) {
  recorder all;
  const auto known = must(engine_->load(all));
  const std::string other = folder_ / "other.db";
  must(sqlite_engine::initialise(other));
  std::filesystem::remove(file + "-wal");
  std::filesystem::remove(file + "-shm");
  std::filesystem::rename(other, file);
  recorder none;
  EXPECT_FALSE(must(engine_->changes_since(known, none))) << "another generation";
  recorder now;
  must(engine_->load(now));
  EXPECT_TRUE(now.lines.empty());
}

TEST_F(sqlite_engine_test, newer_schema_is_refused_and_left_alone) {
  by_hand("PRAGMA user_version=2");
  recorder all;
  const auto refused = engine_->load(all);
  EXPECT_THAT(words(refused),
              HasSubstr("the directory has schema version 2, this program knows only "
                        "up to 1"));
  EXPECT_THAT(words(refused), HasSubstr("Upgrade Homeward on this host"));
  EXPECT_TRUE(engine_->begin().has_error());
  EXPECT_TRUE(all.lines.empty());
}

TEST(sqlite_engine_file, empty) {
  const folder f;
  std::ofstream(f / "x.db").close();
  sqlite_engine e(f / "x.db");
  EXPECT_THAT(words(e.servers()), HasSubstr("the file is empty"));
}

TEST(sqlite_engine_file, of_another_program) {
  const folder f;
  auto database = must(sqlite_database::open(f / "x.db", sqlite_database::mode::create, 1000));
  must(database->execute("CREATE TABLE t (x)"));
  sqlite_engine e(f / "x.db");
  EXPECT_THAT(words(e.servers()), HasSubstr("this SQLite file is not a Homeward directory"));
}

TEST(sqlite_engine_file, no_database_at_all) {
  const folder f;
  std::ofstream(f / "x.db") << std::string(10000, 'x');
  sqlite_engine e(f / "x.db");
  EXPECT_THAT(words(e.servers()), HasSubstr("The file is damaged or is no directory"));
  recorder all;
  EXPECT_EQ(e.load(all).error().kind, failure_kind::transient);
}

TEST_F(sqlite_engine_test, damaged_in_the_middle) {
  std::vector<user> many;
  for (int i = 0; i < 2000; ++i) {
    many.push_back(user_on("user" + std::to_string(i) + "@example.org", "store1"));
  }
  add_users(many);
  engine_.reset(); // the last connection writes the log back into the file
  {
    std::fstream out(file, std::ios::in | std::ios::out | std::ios::binary);
    out.seekp(static_cast<std::streamoff>(std::filesystem::file_size(file) / 2));
    out << std::string(8192, '\xAA');
  }
  sqlite_engine damaged(file);
  recorder all;
  const auto loaded = damaged.load(all);
  ASSERT_TRUE(loaded.has_error());
  EXPECT_EQ(loaded.error().kind, failure_kind::transient);
}

} // namespace
} // namespace homeward::directory
