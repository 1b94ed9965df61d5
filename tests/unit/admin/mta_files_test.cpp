// Files of an apply: images, backups, installing, taking back, what a crash leaves.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/fs/real_file_system.hpp"

#include "admin/mta/installation.hpp"
#include "admin/mta/old_routes.hpp"
#include "admin/mta/program_run.hpp"

namespace homeward::admin::mta {
namespace {

namespace stdfs = std::filesystem;
using testing::HasSubstr;

class mta_files : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (stdfs::temp_directory_path() / "mta-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    here_ = pattern;
    stdfs::create_directories(here_ / "etc");
  }
  void TearDown() override { stdfs::remove_all(here_); }

  [[nodiscard]] std::string at(const std::string& name) const { return (here_ / name).string(); }
  void write(const std::string& name, const std::string& text, unsigned mode = 0644) const {
    std::ofstream(here_ / name, std::ios::binary) << text;
    ::chmod(at(name).c_str(), mode);
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    const auto image = read_image(at(name));
    return image && image->exists ? image->text : "(none)";
  }
  // A plan that changes one file and makes another, and a directory.
  [[nodiscard]] plan two_files() const {
    plan p;
    p.configuration = at("etc");
    p.changes.push_back({.path = at("etc/new"), .text = "made\n", .like = at("etc/main.cf")});
    p.changes.push_back({.path = at("etc/main.cf"), .text = "b\n", .like = {}});
    p.directories.push_back({.path = at("queue"), .mode = 0700});
    return p;
  }

  stdfs::path here_;
  fs::real_file_system files_;
};

TEST_F(mta_files, an_image_is_written_back_with_everything) {
  write("etc/main.cf", "octets\n", 0640);
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(at("etc/main.cf").c_str(), 12, 13), 0);
  }
  const bool labels = ::setxattr(at("etc/main.cf").c_str(), "user.label", "x", 1, 0) == 0;
  const auto before = read_image(at("etc/main.cf"));
  ASSERT_TRUE(before);
  write("etc/main.cf", "other\n", 0600);
  ASSERT_TRUE(write_image(files_, at("etc/main.cf"), *before, true));
  const auto after = read_image(at("etc/main.cf"));
  ASSERT_TRUE(after);
  EXPECT_EQ(after->text, "octets\n");
  EXPECT_EQ(after->attributes.mode, 0640U);
  EXPECT_EQ(after->attributes.uid, before->attributes.uid);
  EXPECT_EQ(after->attributes.gid, before->attributes.gid);
  EXPECT_EQ(after->attributes.changed, before->attributes.changed);
  EXPECT_EQ(after->attributes.extended, before->attributes.extended);
  EXPECT_TRUE(!labels || after->attributes.extended.contains("user.label"));
  EXPECT_FALSE(stdfs::exists(working_name(at("etc/main.cf"))));
}

TEST_F(mta_files, a_backup_is_read_back_as_it_was_written) {
  write("etc/main.cf", "a\n", 0640);
  backup_store store(files_, at("backups"));
  auto lock = store.lock();
  ASSERT_TRUE(lock);
  EXPECT_FALSE(backup_store(files_, at("backups")).lock()) << "the lock is held";
  auto b = draft_backup(two_files(), store.new_name());
  ASSERT_TRUE(b);
  ASSERT_TRUE(store.create(*b));
  EXPECT_NE(store.new_name(), b->name);
  const auto loaded = store.load(b->name);
  ASSERT_TRUE(loaded) << describe(loaded.error());
  ASSERT_EQ(loaded->files.size(), 2U);
  EXPECT_FALSE(loaded->files[0].before.exists);
  EXPECT_EQ(loaded->files[1].before.text, "a\n");
  EXPECT_EQ(loaded->files[1].before.attributes.mode, 0640U);
  EXPECT_EQ(loaded->files[1].after.text, "b\n");
  EXPECT_EQ(loaded->state, backup_state::applying);
}

TEST_F(mta_files, a_damaged_backup_is_refused) {
  write("etc/main.cf", "a\n");
  backup_store store(files_, at("backups"));
  auto lock = store.lock();
  ASSERT_TRUE(lock);
  const auto b = draft_backup(two_files(), "one");
  ASSERT_TRUE(b);
  ASSERT_TRUE(store.create(*b));
  std::ofstream(at("backups/one/before.1")) << "changed";
  const auto loaded = store.load("one");
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().what, HasSubstr("damaged"));
  std::ofstream(at("backups/one/manifest.json")) << "{";
  EXPECT_FALSE(store.load("one"));
  EXPECT_FALSE(store.load("another"));
}

TEST_F(mta_files, installed_and_taken_back_every_octet_mode_and_time) {
  write("etc/main.cf", "a\n", 0640);
  const auto file_before = read_image(at("etc/main.cf"));
  const auto directory_before = directory_time(at("etc"));
  backup_store store(files_, at("backups"));
  auto lock = store.lock();
  auto b = draft_backup(two_files(), "one");
  ASSERT_TRUE(b);
  ASSERT_TRUE(install(files_, store, *b, two_files()));
  ASSERT_TRUE(settle(store, *b));
  EXPECT_EQ(read("etc/main.cf"), "b\n");
  EXPECT_EQ(read_image(at("etc/new"))->attributes.mode, 0640U) << "as its neighbour";
  EXPECT_TRUE(stdfs::is_directory(at("queue")));
  EXPECT_TRUE(changed_since(*b)->empty());

  auto again = store.load("one");
  ASSERT_TRUE(again);
  std::vector<std::string> left;
  ASSERT_TRUE(restore(files_, store, *again, left));
  const auto file_after = read_image(at("etc/main.cf"));
  EXPECT_EQ(file_after->text, "a\n");
  EXPECT_EQ(file_after->attributes.mode, file_before->attributes.mode);
  EXPECT_EQ(file_after->attributes.changed, file_before->attributes.changed);
  EXPECT_EQ(directory_time(at("etc")), directory_before);
  EXPECT_FALSE(stdfs::exists(at("etc/new")));
  EXPECT_FALSE(stdfs::exists(at("queue")));
  EXPECT_EQ(store.list()->front().state, backup_state::rolled_back);
}

TEST_F(mta_files, an_edit_of_somebody_else_is_noticed) {
  write("etc/main.cf", "a\n");
  backup_store store(files_, at("backups"));
  auto lock = store.lock();
  plan p = two_files();
  p.changes.push_back(
      {.path = at("etc/new.db"), .text = "db", .like = at("etc/main.cf"), .derived = true});
  auto b = draft_backup(p, "one");
  ASSERT_TRUE(install(files_, store, *b, p));
  ASSERT_TRUE(settle(store, *b));
  write("etc/new.db", "made again by postmap");
  EXPECT_TRUE(changed_since(*b)->empty());
  write("etc/main.cf", "b\nmine\n");
  auto found = changed_since(*b);
  ASSERT_EQ(found->size(), 1U);
  EXPECT_THAT(found->front().diff, HasSubstr("+mine"));
  write("etc/main.cf", "b\n", 0600);
  found = changed_since(*b);
  ASSERT_EQ(found->size(), 1U);
  EXPECT_THAT(found->front().diff, HasSubstr("mode 0600"));
}

TEST_F(mta_files, whatever_a_crash_left_is_put_back) {
  for (const int files_done : {0, 1, 2}) {
    write("etc/main.cf", "a\n");
    backup_store store(files_, at("backups"));
    auto lock = store.lock();
    const std::string name = "crash" + std::to_string(files_done);
    auto b = draft_backup(two_files(), name);
    ASSERT_TRUE(store.create(*b));
    for (int i = 0; i < files_done; ++i) {
      const auto& f = b->files[static_cast<std::size_t>(i)];
      ASSERT_TRUE(write_image(files_, f.path, f.after, false));
    }
    std::ofstream(working_name(at("etc/main.cf"))) << "half";
    auto found = store.load(name);
    ASSERT_TRUE(found);
    EXPECT_TRUE(changed_since(*found)->empty());
    std::vector<std::string> left;
    ASSERT_TRUE(restore(files_, store, *found, left));
    EXPECT_EQ(read("etc/main.cf"), "a\n");
    EXPECT_EQ(read("etc/new"), "(none)");
    EXPECT_FALSE(stdfs::exists(working_name(at("etc/main.cf"))));
  }
}

TEST_F(mta_files, a_symbolic_link_stays_one) {
  write("real.cf", "a\n");
  stdfs::create_symlink(at("real.cf"), at("etc/main.cf"));
  EXPECT_EQ(resolved(at("etc/main.cf")), resolved(at("real.cf")));
  EXPECT_EQ(read("etc/main.cf"), "a\n");
}

TEST_F(mta_files, users_with_files_of_their_own) {
  stdfs::create_directories(here_ / "home/ann/sieve");
  stdfs::create_directories(here_ / "home/bob");
  stdfs::create_directories(here_ / "home/eve");
  stdfs::create_directories(here_ / "vmail/example.net/joe");
  write("home/ann/.forward", "ann@elsewhere\n");
  write("home/ann/sieve/a.sieve", "keep;\n");
  write("home/bob/.procmailrc", ":0\n");
  write("home/eve/.forward", "");
  write("vmail/example.net/joe/.dovecot.sieve", "keep;\n");
  write("passwd", "ann:x:1:1::" + at("home/ann") + ":/bin/sh\nbob:x:2:2::" + at("home/bob") +
                      ":/bin/sh\neve:x:3:3::" + at("home/eve") + ":/bin/sh\n");
  write("aliases", "# c\nPostmaster: ann\n  continued\n\"quoted\": bob\n");
  settings s;
  s.accounts = at("passwd");
  s.sieve = {at("vmail/{domain}/{user}")};
  moving m;
  m.local_domains = {"example.org"};
  m.virtual_domains = {"example.net"};
  m.alias_files = {at("aliases")};
  m.aliases_move = true;
  std::vector<std::string> found;
  for (const auto& route : find_old_routes(s, m)) {
    EXPECT_TRUE(route.kept);
    found.push_back(route.address + " " + route.kind);
  }
  EXPECT_THAT(found,
              testing::ElementsAre("ann@example.org .forward", "ann@example.org Sieve",
                                   "bob@example.org procmail", "joe@example.net Sieve",
                                   "postmaster@example.org alias", "quoted@example.org alias"));
  m = {};
  m.local_users = {"bob@example.org"};
  ASSERT_EQ(find_old_routes(s, m).size(), 1U);
}

TEST(program_run, output_status_input_and_limit) {
  const auto said = run_program({"sh", "-c", "cat; echo err >&2; exit 3"}, {.input = "in"});
  ASSERT_TRUE(said);
  EXPECT_EQ(said->status, 3);
  EXPECT_EQ(said->output, "in");
  EXPECT_EQ(said->errors, "err\n");
  EXPECT_FALSE(run_checked({"sh", "-c", "exit 1"}));
  EXPECT_FALSE(run_program({"/no/such/program"}));
  EXPECT_FALSE(run_program({"sleep", "60"}, {.limit = std::chrono::seconds(0)}));
  const auto there = run_program({"pwd"}, {.directory = "/"});
  EXPECT_EQ(there->output, "/\n");
}

TEST(program_run, a_program_left_in_the_background_is_not_waited_for) {
  const auto said = run_program({"sh", "-c", "sleep 30 & echo done"});
  ASSERT_TRUE(said);
  EXPECT_EQ(said->output, "done\n");
}

TEST(program_run, words_for_people) {
  EXPECT_EQ(spelled({"postconf", "-e", "a=b c"}), "postconf -e 'a=b c'");
  EXPECT_EQ(words_of({.status = 1, .output = "out\n", .errors = "\x1b bad\n"}), "\\x1b bad");
}

} // namespace
} // namespace homeward::admin::mta
