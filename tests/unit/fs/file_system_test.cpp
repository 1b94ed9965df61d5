// Both implementations of file_system must behave the same: every test here runs on the machine's
// file system and on the one in memory.

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lib/fs/forgetting_file_system.hpp"
#include "lib/fs/real_file_system.hpp"

#include "tests/unit/fs/temporary_directory.hpp"

namespace homeward::fs {
namespace {

enum class which { real, forgetting };

class file_system_test : public ::testing::TestWithParam<which> {
 protected:
  void SetUp() override {
    if (GetParam() == which::real) {
      files_ = std::make_unique<real_file_system>();
      path_ = scratch_.text();
    } else {
      auto memory = std::make_unique<forgetting_file_system>();
      memory_ = memory.get();
      memory->make_directories("/data");
      files_ = std::move(memory);
      path_ = "/data";
    }
    root_ = files_->open_directory(path_).value();
  }
  void TearDown() override { root_.close(); }

  void plant_symlink(const std::string& name, const std::string& target) {
    if (memory_ != nullptr) {
      memory_->plant_symlink(path_ + "/" + name);
    } else {
      std::filesystem::create_symlink(target, scratch_.path() / name);
    }
  }

  handle make(std::string_view path, std::string_view octets = "") {
    auto file = files_->open_at(root_, path, open_mode::create_new);
    EXPECT_TRUE(file) << path;
    EXPECT_TRUE(files_->write(*file, 0, {&octets, 1}));
    return std::move(*file);
  }

  int error_of(const io_result<handle>& r) { return r ? 0 : r.error().number; }
  int error_of(const io_result<void>& r) { return r ? 0 : r.error().number; }
  int error_of(const io_result<file_status>& r) { return r ? 0 : r.error().number; }

  std::string read_all(const handle& file) {
    std::array<char, 4096> buffer{};
    const auto n = files_->read(file, 0, buffer);
    return n ? std::string(buffer.data(), *n) : "(unreadable)";
  }

  std::vector<std::string> names(const handle& directory) {
    std::vector<std::string> found;
    const auto entries = files_->list(directory);
    EXPECT_TRUE(entries);
    if (entries) {
      for (const directory_entry& e : *entries) {
        found.push_back(e.name);
      }
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  test::temporary_directory scratch_;
  forgetting_file_system* memory_ = nullptr;
  std::unique_ptr<file_system> files_;
  std::string path_;
  handle root_;
};

using strings = std::vector<std::string>;

TEST_P(file_system_test, writes_pieces_one_behind_the_other_and_reads_them_back) {
  const handle file = make("a");
  const std::array<std::string_view, 4> pieces = {"one ", "", "two ", "three"};
  ASSERT_TRUE(files_->write(file, 0, pieces));
  EXPECT_EQ(read_all(file), "one two three");
  const std::array<std::string_view, 1> patch = {"TWO"};
  ASSERT_TRUE(files_->write(file, 4, patch));
  EXPECT_EQ(read_all(file), "one TWO three");
  std::array<char, 3> three{};
  EXPECT_EQ(files_->read(file, 8, three).value(), 3U);
  EXPECT_EQ(std::string_view(three.data(), 3), "thr");
  EXPECT_EQ(files_->read(file, 100, three).value(), 0U);
}

TEST_P(file_system_test, writing_beyond_the_end_leaves_zeros) {
  const handle file = make("a");
  const std::array<std::string_view, 1> piece = {"x"};
  ASSERT_TRUE(files_->write(file, 3, piece));
  EXPECT_EQ(read_all(file), std::string("\0\0\0x", 4));
  ASSERT_TRUE(files_->truncate(file, 1));
  EXPECT_EQ(files_->status(file).value().size, 1U);
  ASSERT_TRUE(files_->allocate(file, 5));
  EXPECT_EQ(files_->status(file).value().size, 5U);
  ASSERT_TRUE(files_->allocate(file, 2)) << "never shrinks";
  EXPECT_EQ(files_->status(file).value().size, 5U);
}

TEST_P(file_system_test, create_new_refuses_what_exists) {
  make("a", "octets");
  EXPECT_EQ(error_of(files_->open_at(root_, "a", open_mode::create_new)), EEXIST);
  plant_symlink("link", "/nowhere");
  EXPECT_EQ(error_of(files_->open_at(root_, "link", open_mode::create_new)), EEXIST);
}

TEST_P(file_system_test, opens_by_mode) {
  ASSERT_TRUE(files_->make_directory_at(root_, "d"));
  make("d/file", "octets");
  EXPECT_EQ(error_of(files_->open_at(root_, "absent", open_mode::read)), ENOENT);
  EXPECT_EQ(error_of(files_->open_at(root_, "d/file", open_mode::directory)), ENOTDIR);
  EXPECT_EQ(error_of(files_->open_at(root_, "d/file/x", open_mode::read)), ENOTDIR);
  EXPECT_EQ(error_of(files_->open_at(root_, "d", open_mode::read_write)), EISDIR);
  const auto read_only = files_->open_at(root_, "d/file", open_mode::read);
  ASSERT_TRUE(read_only);
  const std::array<std::string_view, 1> piece = {"x"};
  EXPECT_EQ(error_of(files_->write(*read_only, 0, piece)), EBADF);
  const auto both = files_->open_at(root_, "d/file", open_mode::read_write);
  ASSERT_TRUE(both);
  EXPECT_TRUE(files_->write(*both, 0, piece));
  EXPECT_EQ(read_all(*both), "xctets");
}

TEST_P(file_system_test, no_path_leaves_its_directory) {
  ASSERT_TRUE(files_->make_directory_at(root_, "d"));
  make("secret", "octets");
  const handle inner = files_->open_at(root_, "d", open_mode::directory).value();
  EXPECT_EQ(error_of(files_->open_at(inner, "../secret", open_mode::read)), EXDEV);
  EXPECT_EQ(error_of(files_->open_at(inner, "..", open_mode::directory)), EXDEV);
  EXPECT_EQ(error_of(files_->open_at(root_, "d/../secret", open_mode::read)), EXDEV);
  EXPECT_EQ(error_of(files_->open_at(inner, "/etc/passwd", open_mode::read)), EXDEV);
  EXPECT_EQ(error_of(files_->open_at(inner, std::string("a\0b", 3), open_mode::create_new)),
            EINVAL);
  EXPECT_EQ(error_of(files_->open_at(inner, "", open_mode::directory)), EINVAL);
  EXPECT_EQ(error_of(files_->open_directory("data")), EINVAL) << "relative";
}

TEST_P(file_system_test, no_symbolic_link_is_followed) {
  ASSERT_TRUE(files_->make_directory_at(root_, "d"));
  make("d/file", "octets");
  plant_symlink("link", "d");
  EXPECT_EQ(error_of(files_->open_at(root_, "link/file", open_mode::read)), ELOOP);
  EXPECT_EQ(error_of(files_->open_at(root_, "link/fresh", open_mode::create_new)), ELOOP);
  EXPECT_NE(error_of(files_->open_at(root_, "link", open_mode::directory)), 0);
  EXPECT_EQ(files_->status_at(root_, "link").value().kind, entry_kind::other);
}

TEST_P(file_system_test, names_are_one_component) {
  const handle file = make("a");
  for (const std::string& bad : strings{"", ".", "..", "x/y", "/x", std::string("x\0y", 3)}) {
    EXPECT_EQ(error_of(files_->link_at(file, root_, bad)), EINVAL) << bad;
    EXPECT_EQ(error_of(files_->link_name_at(root_, "a", root_, bad)), EINVAL) << bad;
    EXPECT_EQ(error_of(files_->rename_at(root_, "a", root_, bad, on_existing::replace)), EINVAL);
    EXPECT_EQ(error_of(files_->rename_at(root_, bad, root_, "b", on_existing::replace)), EINVAL);
    EXPECT_EQ(error_of(files_->unlink_at(root_, bad)), EINVAL) << bad;
    EXPECT_EQ(error_of(files_->make_directory_at(root_, bad)), EINVAL) << bad;
    EXPECT_EQ(error_of(files_->remove_directory_at(root_, bad)), EINVAL) << bad;
    EXPECT_EQ(error_of(files_->status_at(root_, bad)), EINVAL) << bad;
  }
  EXPECT_EQ(error_of(files_->link_at(file, root_, std::string(256, 'n'))), ENAMETOOLONG);
  EXPECT_EQ(error_of(files_->make_directory_at(root_, std::string(256, 'n'))), ENAMETOOLONG);
  EXPECT_EQ(names(root_), strings{"a"});
}

TEST_P(file_system_test, an_unnamed_file_appears_when_it_is_linked) {
  auto file = files_->create_unnamed_at(root_);
  if (error_of(file) == EOPNOTSUPP) {
    GTEST_SKIP() << "the file system of the temporary directory has no unnamed files";
  }
  ASSERT_TRUE(file);
  const std::array<std::string_view, 1> octets = {"octets"};
  ASSERT_TRUE(files_->write(*file, 0, octets));
  EXPECT_EQ(names(root_), strings{});
  EXPECT_EQ(files_->status(*file).value().links, 0U);
  ASSERT_TRUE(files_->link_at(*file, root_, "a"));
  ASSERT_TRUE(files_->link_at(*file, root_, "b"));
  EXPECT_EQ(error_of(files_->link_at(*file, root_, "a")), EEXIST);
  EXPECT_EQ(names(root_), (strings{"a", "b"}));
  EXPECT_EQ(files_->status(*file).value().links, 2U);
  const auto again = files_->open_at(root_, "b", open_mode::read);
  ASSERT_TRUE(again);
  EXPECT_EQ(read_all(*again), "octets");
  EXPECT_EQ(files_->status(*again).value().inode, files_->status(*file).value().inode);
}

TEST_P(file_system_test, an_unnamed_file_that_is_closed_is_gone) {
  { const auto file = files_->create_unnamed_at(root_); }
  EXPECT_EQ(names(root_), strings{});
}

TEST_P(file_system_test, links_by_name_never_replace) {
  make("a", "one");
  make("b", "two");
  ASSERT_TRUE(files_->make_directory_at(root_, "d"));
  const handle d = files_->open_at(root_, "d", open_mode::directory).value();
  EXPECT_EQ(error_of(files_->link_name_at(root_, "a", root_, "b")), EEXIST);
  EXPECT_EQ(error_of(files_->link_name_at(root_, "absent", root_, "c")), ENOENT);
  EXPECT_EQ(error_of(files_->link_name_at(root_, "d", root_, "c")), EPERM);
  ASSERT_TRUE(files_->link_name_at(root_, "a", d, "c"));
  EXPECT_EQ(read_all(files_->open_at(d, "c", open_mode::read).value()), "one");
}

TEST_P(file_system_test, renames_with_and_without_replacing) {
  make("a", "one");
  make("b", "two");
  ASSERT_TRUE(files_->make_directory_at(root_, "d"));
  const handle d = files_->open_at(root_, "d", open_mode::directory).value();
  EXPECT_EQ(error_of(files_->rename_at(root_, "a", root_, "b", on_existing::refuse)), EEXIST);
  EXPECT_EQ(error_of(files_->rename_at(root_, "x", root_, "y", on_existing::refuse)), ENOENT);
  ASSERT_TRUE(files_->rename_at(root_, "a", root_, "b", on_existing::replace));
  EXPECT_EQ(names(root_), (strings{"b", "d"}));
  ASSERT_TRUE(files_->rename_at(root_, "b", d, "c", on_existing::refuse));
  EXPECT_EQ(names(root_), strings{"d"});
  EXPECT_EQ(read_all(files_->open_at(root_, "d/c", open_mode::read).value()), "one");
}

TEST_P(file_system_test, removes_files_and_empty_directories_each_by_its_own_call) {
  ASSERT_TRUE(files_->make_directory_at(root_, "d"));
  EXPECT_EQ(error_of(files_->make_directory_at(root_, "d")), EEXIST);
  make("d/a", "one");
  EXPECT_EQ(error_of(files_->remove_directory_at(root_, "d")), ENOTEMPTY);
  EXPECT_EQ(error_of(files_->unlink_at(root_, "d")), EISDIR);
  const handle d = files_->open_at(root_, "d", open_mode::directory).value();
  EXPECT_EQ(error_of(files_->remove_directory_at(d, "a")), ENOTDIR);
  EXPECT_EQ(error_of(files_->unlink_at(d, "absent")), ENOENT);
  const handle kept = files_->open_at(d, "a", open_mode::read).value();
  ASSERT_TRUE(files_->unlink_at(d, "a"));
  EXPECT_EQ(read_all(kept), "one") << "an open file outlives its name";
  EXPECT_EQ(error_of(files_->link_at(kept, root_, "again")), ENOENT);
  ASSERT_TRUE(files_->remove_directory_at(root_, "d"));
  const handle file = make("b");
  EXPECT_EQ(error_of(files_->link_at(file, d, "a")), ENOENT) << "the directory is gone";
}

TEST_P(file_system_test, lists_again_and_again_with_kinds) {
  make("file");
  ASSERT_TRUE(files_->make_directory_at(root_, "directory"));
  plant_symlink("link", "file");
  for (int round = 0; round < 2; ++round) {
    auto entries = files_->list(root_).value();
    std::sort(entries.begin(), entries.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    ASSERT_EQ(entries.size(), 3U);
    EXPECT_EQ(entries[0].kind, entry_kind::directory);
    EXPECT_EQ(entries[1].kind, entry_kind::file);
    EXPECT_EQ(entries[2].kind, entry_kind::other);
  }
  EXPECT_EQ(error_of(files_->status_at(root_, "absent")), ENOENT);
}

TEST_P(file_system_test, syncs_and_tells_space) {
  const handle file = make("a", "octets");
  EXPECT_TRUE(files_->write_out(file));
  EXPECT_TRUE(files_->sync_data(file));
  EXPECT_TRUE(files_->sync_all(file));
  EXPECT_TRUE(files_->sync_all(root_));
  EXPECT_TRUE(files_->sync_file_system(root_));
  const volume_space space = files_->space(root_).value();
  EXPECT_GT(space.total.octets, 0U);
  EXPECT_LE(space.free, space.total);
  EXPECT_FALSE(space.read_only);
}

TEST_P(file_system_test, a_lock_belongs_to_one_handle_until_it_is_closed) {
  handle first = make("a");
  ASSERT_TRUE(files_->try_lock(first));
  EXPECT_TRUE(files_->try_lock(first)) << "it has it already";
  const handle second = files_->open_at(root_, "a", open_mode::read_write).value();
  EXPECT_EQ(error_of(files_->try_lock(second)), EWOULDBLOCK);
  { const handle third = files_->open_at(root_, "a", open_mode::read_write).value(); }
  EXPECT_EQ(error_of(files_->try_lock(second)), EWOULDBLOCK) << "another handle was closed";
  const handle other = make("b");
  EXPECT_TRUE(files_->try_lock(other));
  first.close();
  EXPECT_TRUE(files_->try_lock(second));
  const handle reader = files_->open_at(root_, "b", open_mode::read).value();
  EXPECT_EQ(error_of(files_->try_lock(reader)), EBADF);
}

TEST_P(file_system_test, the_instance_of_a_volume_stays_the_same_while_it_is_mounted) {
  const handle file = make("a");
  const auto first = files_->instance(root_);
  ASSERT_TRUE(first);
  EXPECT_EQ(files_->instance(file).value(), *first);
  EXPECT_LE(first->size(), 255U);
}

TEST_P(file_system_test, a_handle_moves_and_closes_once) {
  handle a = make("a", "octets");
  handle b = std::move(a);
  EXPECT_FALSE(a.is_open()); // NOLINT: the moved-from state is the subject
  EXPECT_EQ(read_all(b), "octets");
  b = make("b", "other");
  EXPECT_EQ(read_all(b), "other");
  b.close();
  b.close();
  EXPECT_FALSE(b.is_open());
}

INSTANTIATE_TEST_SUITE_P(implementations, file_system_test,
                         ::testing::Values(which::real, which::forgetting),
                         [](const auto& parameter) {
                           return parameter.param == which::real ? "real" : "forgetting";
                         });

} // namespace
} // namespace homeward::fs
