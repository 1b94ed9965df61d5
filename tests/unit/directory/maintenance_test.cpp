// Backup, restore, check and publishing of a SQLite directory.

#include <fcntl.h>
#include <sys/stat.h>

#include <gmock/gmock.h>

#include "lib/directory/sqlite_database.hpp"
#include "lib/directory/sqlite_snapshot.hpp"
#include "lib/directory/yaml_engine.hpp"
#include "lib/fs/real_file_system.hpp"

#include "tests/unit/directory/directory_support.hpp"

namespace homeward::directory {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace testing; // NOLINT: the helpers above

class maintenance : public small_directory {
 protected:
  std::vector<std::string> everything() {
    recorder r;
    must(engine_->load(r));
    return r.lines;
  }
  std::string findings() {
    std::string text;
    for (const auto& f : must(engine_->check())) {
      text += (f.is_error ? "error: " : "note: ") + f.what + '\n';
    }
    return text;
  }
  void by_hand(const std::string& sql) {
    auto database = must(sqlite_database::open(file, sqlite_database::mode::read_write, 1000));
    must(database->execute(sql));
  }

  std::string backup_ = folder_ / "backup.db";
};

TEST_F(maintenance, a_backup_brings_everything_back) {
  must(engine_->backup(backup_));
  const auto before = everything();
  {
    auto e = must(engine_->begin());
    must(e->remove_user("ann@example.org"));
    must(e->remove_partition({"store1", "mail1"}));
    must(e->commit());
  }
  EXPECT_EQ(must(engine_->restore(backup_)), "") << "nothing had to be moved away";
  auto after = everything();
  EXPECT_EQ(after.back(), "user ann@example.org store1/mail1 2") << "the epoch does not sink";
  after.back() = before.back();
  EXPECT_EQ(after, before);
}

TEST_F(maintenance, a_backup_is_one_plain_file_for_its_owner) {
  must(engine_->backup(backup_));
  must(engine_->backup(backup_)); // replaces the older one
  struct stat facts = {};
  ASSERT_EQ(::stat(backup_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  EXPECT_FALSE(std::filesystem::exists(backup_ + "-wal"));
  auto database = must(sqlite_database::open(backup_, sqlite_database::mode::read_write, 1000));
  EXPECT_EQ(must(database->text("PRAGMA journal_mode")), "delete");
}

TEST_F(maintenance, restore_keeps_epochs_above_what_stores_have_seen) {
  must(engine_->backup(backup_));
  set_user(user_on("ann@example.org", "store2")); // epoch 2
  set_user(user_on("ann@example.org", "store1")); // epoch 3, home as in the backup
  set_user(user_on("ann@example.org", "store2")); // epoch 4
  add_users({user_on("bob@example.org", "store1")});
  must(engine_->restore(backup_));
  EXPECT_EQ(everything().back(), "user ann@example.org store1/mail1 5");
  auto e = must(engine_->begin());
  EXPECT_EQ(must(e->add(user_on("bob@example.org", "store2"))).where.epoch, 2U)
      << "bob was there once";
}

TEST_F(maintenance, restore_of_the_same_state_raises_nothing) {
  must(engine_->backup(backup_));
  must(engine_->restore(backup_));
  EXPECT_EQ(everything().back(), "user ann@example.org store1/mail1 1");
}

TEST_F(maintenance, readers_with_an_open_connection_see_the_restored_state) {
  sqlite_engine reader(file);
  recorder first;
  const auto known = must(reader.load(first));
  must(engine_->backup(backup_));
  add_users({user_on("bob@example.org", "store1")});
  must(engine_->restore(backup_));
  recorder none;
  EXPECT_FALSE(must(reader.changes_since(known, none))) << "another generation";
  recorder second;
  must(reader.load(second));
  EXPECT_EQ(second.lines, first.lines);
}

TEST_F(maintenance, a_missing_or_damaged_directory_is_replaced) {
  must(engine_->backup(backup_));
  engine_.reset();
  std::ofstream(file, std::ios::trunc) << std::string(5000, 'x');
  engine_ = std::make_unique<sqlite_engine>(file);
  const std::string moved = must(engine_->restore(backup_));
  EXPECT_THAT(moved, HasSubstr("directory.db.damaged-"));
  EXPECT_EQ(std::filesystem::file_size(moved), 5000U);
  EXPECT_EQ(everything().back(), "user ann@example.org store1/mail1 1001")
      << "nobody knows how far the epochs had risen";
  std::filesystem::remove(file);
  EXPECT_EQ(must(engine_->restore(backup_)), "");
  EXPECT_EQ(everything().size(), 5U);
  auto database = must(sqlite_database::open(file, sqlite_database::mode::read_write, 1000));
  EXPECT_EQ(must(database->text("PRAGMA journal_mode")), "wal");
}

TEST_F(maintenance, a_bad_backup_changes_nothing) {
  const auto before = everything();
  EXPECT_TRUE(engine_->restore(folder_ / "missing.db").has_error());
  std::ofstream(backup_) << std::string(5000, 'x');
  EXPECT_TRUE(engine_->restore(backup_).has_error());
  std::filesystem::remove(backup_);
  {
    auto other = must(sqlite_database::open(backup_, sqlite_database::mode::create, 1000));
    must(other->execute("CREATE TABLE t (x)"));
  }
  EXPECT_THAT(words(engine_->restore(backup_)), HasSubstr("is not a Homeward directory"));
  EXPECT_EQ(everything(), before);
  int rubbish = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    rubbish += entry.path().string().ends_with(".new") ? 1 : 0;
  }
  EXPECT_EQ(rubbish, 0);
}

TEST_F(maintenance, restore_never_replaces_what_is_not_its_own) {
  must(engine_->backup(backup_));
  by_hand("PRAGMA user_version=9");
  EXPECT_THAT(words(engine_->restore(backup_)), HasSubstr("schema version 9"));
  by_hand("PRAGMA user_version=1; PRAGMA application_id=1");
  EXPECT_THAT(words(engine_->restore(backup_)), HasSubstr("is not a Homeward directory"));
}

TEST_F(maintenance, check_finds_nothing_in_a_good_directory) {
  EXPECT_EQ(findings(), "");
}

TEST_F(maintenance, check_finds_what_would_make_mail_wait) {
  {
    auto e = must(engine_->begin());
    must(e->set(server{.name = "store1"}));
    must(e->set(partition{.id = {"store1", "mail1"}, .state = partition_state::offline}));
    must(e->set(partition{.id = {"store2", "mail1"}, .weight = 0}));
    must(e->add(user_on("Bob@example.org", "store2")));
    must(e->commit());
  }
  by_hand(
      "INSERT INTO users (mailbox, primary_partition) VALUES ('eve@EXAMPLE.org', 2);"
      "UPDATE server_endpoints SET endpoint = 'nonsense' WHERE server = 'store2' AND position = 1");
  ASSERT_EQ(::chmod(file.c_str(), 0664), 0);
  const std::string found = findings();
  EXPECT_THAT(found, HasSubstr("error: server store1 has no address"));
  EXPECT_THAT(found,
              HasSubstr("note: partition store1/mail1 is offline: mail for its 1 users waits"));
  EXPECT_THAT(found, HasSubstr("note: no partition takes new users"));
  EXPECT_THAT(found, HasSubstr("note: Bob@example.org has capital letters"));
  EXPECT_THAT(found, HasSubstr("error: \"eve@EXAMPLE.org\" has capital letters in its domain"));
  EXPECT_THAT(found, HasSubstr("error: \"nonsense\" is not an address of a server"));
  EXPECT_THAT(found, HasSubstr("can be read or written by every user of this host"));
}

TEST_F(maintenance, check_finds_broken_references) {
  by_hand("PRAGMA foreign_keys=OFF; DELETE FROM partitions WHERE id = 1");
  EXPECT_THAT(findings(), HasSubstr("error: the file is damaged: a reference from table users"));
}

// ---- publishing ----

TEST_F(maintenance, a_snapshot_is_readable_without_rights_on_its_folder) {
  fs::real_file_system disk;
  const std::string target = folder_ / "published.db";
  const auto at = must(publish_snapshot(disk, *engine_, target));
  struct stat facts = {};
  ASSERT_EQ(::stat(target.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0644U);
  // What a foreign program does: opens it read-only and asks the view.
  sqlite3* foreign = nullptr;
  ASSERT_EQ(sqlite3_open_v2(("file:" + target + "?mode=ro&immutable=0").c_str(), &foreign,
                            SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, nullptr),
            SQLITE_OK);
  std::string answer;
  const auto collect = [](void* into, int, char** values, char**) {
    *static_cast<std::string*>(into) = values[0];
    return 0;
  };
  EXPECT_EQ(sqlite3_exec(foreign,
                         "SELECT server || '/' || directory FROM user_homes"
                         " WHERE mailbox = 'ann@example.org'",
                         collect, &answer, nullptr),
            SQLITE_OK);
  EXPECT_EQ(answer, "store1/mail1");
  EXPECT_EQ(sqlite3_exec(foreign, "SELECT count(*) FROM change_log", collect, &answer, nullptr),
            SQLITE_OK);
  EXPECT_EQ(answer, "0");
  sqlite3_close(foreign);
  EXPECT_FALSE(std::filesystem::exists(target + "-wal"));
  EXPECT_FALSE(std::filesystem::exists(target + "-journal"));
  EXPECT_EQ(at, must(sqlite_engine(target).load(*std::make_unique<recorder>())));
}

TEST_F(maintenance, a_snapshot_is_replaced_as_a_whole) {
  fs::real_file_system disk;
  const std::string target = folder_ / "published.db";
  must(publish_snapshot(disk, *engine_, target));
  const int open_reader = ::open(target.c_str(), O_RDONLY);
  struct stat before = {};
  ASSERT_EQ(::fstat(open_reader, &before), 0);
  add_users({user_on("bob@example.org", "store2")});
  must(publish_snapshot(disk, *engine_, target, 0640));
  struct stat after = {};
  ASSERT_EQ(::stat(target.c_str(), &after), 0);
  EXPECT_NE(before.st_ino, after.st_ino);
  EXPECT_EQ(after.st_mode & 0777U, 0640U);
  ::close(open_reader);
  sqlite_engine published(target);
  EXPECT_TRUE(must(published.find_user("bob@example.org")));
}

TEST_F(maintenance, a_failed_snapshot_leaves_the_old_one) {
  fs::real_file_system disk;
  const std::string target = folder_ / "published.db";
  must(publish_snapshot(disk, *engine_, target));
  std::filesystem::rename(file, file + ".gone");
  EXPECT_TRUE(publish_snapshot(disk, *engine_, target).has_error());
  EXPECT_TRUE(must(sqlite_engine(target).find_user("ann@example.org")));
  std::vector<std::string> rubbish;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    if (entry.path().string().find(".new") != std::string::npos) {
      rubbish.push_back(entry.path().string());
    }
  }
  EXPECT_THAT(rubbish, IsEmpty());
}

} // namespace
} // namespace homeward::directory
