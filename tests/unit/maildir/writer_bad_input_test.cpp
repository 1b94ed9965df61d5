// Hostile mailbox names and planted links, on the machine's own file system.

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "lib/fs/real_file_system.hpp"
#include "lib/maildir/writer.hpp"

#include "tests/unit/fs/temporary_directory.hpp"

namespace homeward::maildir {
namespace {

namespace disk = std::filesystem;
using strings = std::vector<std::string>;

class writer_bad_input_test : public ::testing::Test {
 protected:
  writer_bad_input_test() {
    disk::create_directory(root_);
    disk::create_directory(outside_);
    EXPECT_TRUE(partition::initialise(files_, root_.string(), {.name = "mail1"}, {}));
    partition_ =
        std::make_unique<partition>(partition::open(files_, root_.string(), "mail1").value());
    writer_ = std::make_unique<writer>(*partition_, filing_settings{});
  }

  result<filed> deliver(const std::string& mailbox) {
    const fs::message_spool octets("Subject: x\r\n\r\nbody\r\n");
    return writer_->deliver({.message = &octets, .name = "1.k.o", .sender = "s@x"}, {&mailbox, 1})
        .front();
  }

  static std::size_t files_beneath(const disk::path& where) {
    std::size_t count = 0;
    for (const auto& entry : disk::recursive_directory_iterator(where)) {
      count += entry.is_regular_file() ? 1U : 0U;
    }
    return count;
  }

  test::temporary_directory scratch_;
  disk::path root_ = scratch_.path() / "mail1";
  disk::path outside_ = scratch_.path() / "outside";
  fs::real_file_system files_;
  std::unique_ptr<partition> partition_;
  std::unique_ptr<writer> writer_;
};

TEST_F(writer_bad_input_test, no_mailbox_name_leaves_the_partition) {
  const strings names = {"../outside@x",
                         "..@x",
                         ".@x",
                         "x@..",
                         "x@../../outside",
                         "/etc/passwd",
                         "a/b/c@x",
                         std::string("a\0b@x", 5),
                         "a\nb@x",
                         "~root@x",
                         "$(id)@x",
                         "%2e%2e%2f@x",
                         "\xE2\x80\xAE@x",
                         "\xC0\xAE\xC0\xAE\xC0\xAF@x",
                         "J\xC3\xBCrgen@m\xC3\xBCller",
                         "new@cur",
                         ".homeward-partition"};
  const std::size_t before = files_beneath(scratch_.path());
  std::size_t stored = 0;
  for (const std::string& name : names) {
    const auto filed_message = deliver(name);
    EXPECT_TRUE(filed_message) << name << ": " << describe(filed_message.error());
    stored += filed_message ? 1U : 0U;
  }
  EXPECT_EQ(files_beneath(outside_), 0U);
  EXPECT_EQ(files_beneath(scratch_.path()), before + stored) << "every message has its own place";
  EXPECT_EQ(files_beneath(root_), 1 + stored);
  for (const std::string& name : {std::string(1000, 'x') + "@x", std::string("@x"), std::string(),
                                  "x@" + std::string(300, 'd')}) {
    const auto refused = deliver(name);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, failure_kind::permanent);
  }
}

TEST_F(writer_bad_input_test, twins_in_unicode_and_case_do_not_meet) {
  ASSERT_TRUE(deliver("caf\xC3\xA9@x"));  // composed
  ASSERT_TRUE(deliver("cafe\xCC\x81@x")); // decomposed
  ASSERT_TRUE(deliver("\xD0\xB0nn@x"));   // Cyrillic a
  ASSERT_TRUE(deliver("ann@x"));
  ASSERT_TRUE(deliver("Ann@x"));
  EXPECT_EQ(files_beneath(root_), 6U);
}

TEST_F(writer_bad_input_test, planted_symbolic_links_are_not_followed) {
  disk::create_directories(outside_ / "Maildir/new");
  disk::create_directories(outside_ / "Maildir/cur");
  disk::create_directories(outside_ / "Maildir/tmp");
  disk::create_directories(root_ / "x/bob/Maildir");
  disk::create_directories(root_ / "x/cid");
  disk::create_directory_symlink(outside_, root_ / "x/ann");
  disk::create_directory_symlink(outside_ / "Maildir/new", root_ / "x/bob/Maildir/new");
  disk::create_directory_symlink(outside_ / "Maildir", root_ / "x/cid/Maildir");
  disk::create_directory_symlink(outside_ / "absent", root_ / "y");
  for (const char* mailbox : {"ann@x", "bob@x", "cid@x", "dan@y"}) {
    const auto refused = deliver(mailbox);
    ASSERT_FALSE(refused) << mailbox;
    EXPECT_EQ(refused.error().kind, failure_kind::transient);
    EXPECT_NE(refused.error().advice.find("symbolic link"), std::string::npos)
        << describe(refused.error());
  }
  EXPECT_EQ(files_beneath(outside_), 0U);
  EXPECT_FALSE(disk::exists(outside_ / "absent"));
  EXPECT_TRUE(deliver("eve@x")) << "neighbours are served";
}

TEST_F(writer_bad_input_test, a_planted_message_name_is_not_overwritten_nor_followed) {
  const auto first = deliver("ann@x");
  ASSERT_TRUE(first);
  const disk::path stored = root_ / "x/ann/Maildir/new" / first->file_name;
  std::ofstream(outside_ / "victim") << "untouched";
  disk::remove(stored);
  disk::create_symlink(outside_ / "victim", stored);
  EXPECT_FALSE(deliver("ann@x"));
  EXPECT_EQ(test::contents(outside_ / "victim"), "untouched");
  EXPECT_TRUE(disk::is_symlink(stored));
}

TEST_F(writer_bad_input_test, a_file_where_a_directory_belongs_is_a_transient_failure) {
  std::ofstream(root_ / "x") << "in the way";
  const auto refused = deliver("ann@x");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, failure_kind::transient);
  EXPECT_EQ(test::contents(root_ / "x"), "in the way");
}

TEST_F(writer_bad_input_test, the_envelope_cannot_inject_header_lines) {
  const fs::message_spool octets("Subject: x\r\n\r\nbody\r\n");
  const strings to = {"ann\r\nX-Evil: 1@x"};
  const auto results =
      writer_->deliver({.message = &octets, .name = "1.k.o", .sender = "s\r\nX-Evil: 1@x"}, to);
  ASSERT_TRUE(results[0]);
  const auto path = partition_->paths().expand(to[0]).value();
  const std::string text = test::contents(root_ / path / "new" / results[0]->file_name);
  EXPECT_EQ(text.find("\nX-Evil"), std::string::npos) << text;
}

TEST_F(writer_bad_input_test, files_are_private_and_complete_modes_are_set) {
  const auto stored = deliver("ann@x");
  ASSERT_TRUE(stored);
  const disk::path maildir = root_ / "x/ann/Maildir";
  EXPECT_EQ(disk::status(maildir / "new" / stored->file_name).permissions(),
            disk::perms::owner_read | disk::perms::owner_write);
  for (const char* folder : {"tmp", "new", "cur", ""}) {
    EXPECT_EQ(disk::status(maildir / folder).permissions(), disk::perms::owner_all) << folder;
  }
  EXPECT_TRUE(disk::is_empty(maildir / "tmp"));
}

TEST_F(writer_bad_input_test, a_large_message_passes_in_little_memory) {
  constexpr std::size_t size = 100U << 20U;
  const auto place = fs::open_spool_place(files_, outside_.string(), 1_MiB);
  ASSERT_TRUE(place);
  fs::message_spool spool(*place);
  const std::string line = std::string(1022, 'x') + "\r\n";
  for (std::size_t i = 0; i < size; i += line.size()) {
    ASSERT_TRUE(spool.append(line));
  }
  struct rusage before {};
  ::getrusage(RUSAGE_SELF, &before);
  const strings to = {"ann@x", "bob@x"};
  const auto results = writer_->deliver({.message = &spool, .name = "1.k.o", .sender = "s@x"}, to);
  struct rusage after {};
  ::getrusage(RUSAGE_SELF, &after);
  ASSERT_TRUE(results[0]);
  EXPECT_EQ(results[0]->size,
            size - (size / line.size()) + std::string_view("Return-Path: <s@x>\n").size());
  EXPECT_EQ(disk::file_size(root_ / "x/bob/Maildir/new" / results[1]->file_name), results[0]->size);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 4096) << "KiB";
}

TEST_F(writer_bad_input_test, a_partition_of_another_user_is_a_transient_failure) {
  constexpr unsigned nobody = 65534;
  disk::permissions(root_, disk::perms::owner_read | disk::perms::owner_exec);
  const bool root = ::geteuid() == 0; // who may write everywhere, so look as somebody else
  if (root) {
    disk::permissions(scratch_.path(), disk::perms::all);
    disk::permissions(root_, disk::perms::others_exec | disk::perms::others_read);
    ::setfsuid(nobody);
  }
  const auto refused = deliver("ann@x");
  if (root) {
    ::setfsuid(0);
  }
  disk::permissions(root_, disk::perms::owner_all);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, failure_kind::transient);
  EXPECT_NE(refused.error().advice.find("another user"), std::string::npos)
      << describe(refused.error());
}

} // namespace
} // namespace homeward::maildir
