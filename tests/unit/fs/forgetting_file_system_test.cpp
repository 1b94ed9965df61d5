// What a power cut leaves: the table of docs/durability.md, on the model that the property
// tests trust.

#include <array>
#include <cerrno>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "lib/fs/forgetting_file_system.hpp"

namespace homeward::fs {
namespace {

constexpr std::string_view body = "the whole message";

class forgetting_test : public ::testing::Test {
 protected:
  forgetting_test() : forgetting_test(sync_promises::linux_file_systems) {}
  explicit forgetting_test(sync_promises promises) : files_(promises) {
    files_.make_directories("/tmp");
    files_.make_directories("/new");
    files_.make_directories("/other");
    open();
  }
  void open() {
    temporary_ = files_.open_directory("/tmp").value();
    fresh_ = files_.open_directory("/new").value();
    other_ = files_.open_directory("/other").value();
  }
  handle unnamed() {
    handle file = files_.create_unnamed_at(fresh_).value();
    write(file);
    return file;
  }
  handle in_temporary() {
    handle file = files_.open_at(temporary_, "m", open_mode::create_new).value();
    write(file);
    return file;
  }
  void write(const handle& file) { EXPECT_TRUE(files_.write(file, 0, {&body, 1})); }
  void link(const handle& file) { EXPECT_TRUE(files_.link_at(file, fresh_, "m")); }
  void rename() {
    EXPECT_TRUE(files_.rename_at(temporary_, "m", fresh_, "m", on_existing::refuse));
  }

  // After a cut: "whole", "empty", "part", "lost", as new/m has it.
  std::string after_cut(crash_keeps keeps = crash_keeps::nothing, std::uint64_t seed = 1) {
    files_.crash(keeps, seed);
    open();
    return state(fresh_, "m");
  }
  std::string state(const handle& directory, std::string_view name) {
    const auto file = files_.open_at(directory, name, open_mode::read);
    if (!file) {
      return "lost";
    }
    std::array<char, 100> buffer{};
    const std::string_view octets(buffer.data(), files_.read(*file, 0, buffer).value());
    return octets == body ? "whole" : (octets.empty() ? "empty" : "part");
  }

  forgetting_file_system files_;
  handle temporary_;
  handle fresh_;
  handle other_;
};

class forgetting_posix_test : public forgetting_test {
 protected:
  forgetting_posix_test() : forgetting_test(sync_promises::posix) {}
};

TEST_F(forgetting_test, what_was_not_synced_is_lost) {
  link(unnamed());
  EXPECT_EQ(after_cut(), "lost");
}

TEST_F(forgetting_test, the_classic_recipe_without_directory_sync_leaves_the_mail_in_tmp) {
  const handle file = in_temporary();
  ASSERT_TRUE(files_.sync_all(file));
  rename();
  EXPECT_EQ(after_cut(), "lost");
  EXPECT_EQ(state(temporary_, "m"), "whole");
}

TEST_F(forgetting_test, with_directory_sync_it_is_there) {
  const handle file = in_temporary();
  ASSERT_TRUE(files_.sync_all(file));
  rename();
  ASSERT_TRUE(files_.sync_all(fresh_));
  EXPECT_EQ(after_cut(), "whole");
  EXPECT_EQ(state(temporary_, "m"), "lost");
}

TEST_F(forgetting_test, one_late_sync_of_the_file_carries_its_names) {
  const handle file = unnamed();
  link(file);
  ASSERT_TRUE(files_.link_at(file, other_, "second"));
  ASSERT_TRUE(files_.sync_all(file));
  EXPECT_EQ(after_cut(), "whole");
  EXPECT_EQ(state(other_, "second"), "whole");
}

TEST_F(forgetting_test, a_sync_of_the_data_alone_does_not) {
  const handle file = unnamed();
  link(file);
  ASSERT_TRUE(files_.sync_data(file));
  EXPECT_EQ(after_cut(), "lost");
}

TEST_F(forgetting_test, directories_above_a_synced_file_are_there) {
  ASSERT_TRUE(files_.make_directory_at(fresh_, "a"));
  const handle a = files_.open_at(fresh_, "a", open_mode::directory).value();
  ASSERT_TRUE(files_.make_directory_at(a, "b"));
  const handle b = files_.open_at(a, "b", open_mode::directory).value();
  const handle file = unnamed();
  ASSERT_TRUE(files_.link_at(file, b, "m"));
  ASSERT_TRUE(files_.sync_all(file));
  after_cut();
  EXPECT_EQ(state(fresh_, "a/b/m"), "whole");
}

TEST_F(forgetting_test, a_name_may_outlive_its_data) {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    link(unnamed());
    seen.insert(after_cut(crash_keeps::anything, seed));
    if (state(fresh_, "m") != "lost") {
      ASSERT_TRUE(files_.unlink_at(fresh_, "m"));
      ASSERT_TRUE(files_.sync_file_system(fresh_));
    }
  }
  EXPECT_TRUE(seen.contains("lost"));
  EXPECT_TRUE(seen.contains("empty"));
}

TEST_F(forgetting_test, but_not_data_that_was_written_out_before) {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const handle file = unnamed();
    ASSERT_TRUE(files_.write_out(file));
    link(file);
    seen.insert(after_cut(crash_keeps::anything, seed));
    if (state(fresh_, "m") != "lost") {
      ASSERT_TRUE(files_.unlink_at(fresh_, "m"));
      ASSERT_TRUE(files_.sync_file_system(fresh_));
    }
  }
  EXPECT_EQ(seen, (std::set<std::string>{"lost", "whole"}));
}

TEST_F(forgetting_test, a_rename_happens_whole_or_not_at_all) {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const handle file = in_temporary();
    ASSERT_TRUE(files_.sync_file_system(fresh_));
    rename();
    const bool moved = after_cut(crash_keeps::anything, seed) == "whole";
    EXPECT_EQ(state(temporary_, "m"), moved ? "lost" : "whole");
    ASSERT_TRUE(files_.unlink_at(moved ? fresh_ : temporary_, "m"));
    ASSERT_TRUE(files_.sync_file_system(fresh_));
  }
}

TEST_F(forgetting_test, overwriting_in_place_mixes_old_and_new_sectors_only) {
  const std::string old(4096, 'o');
  const std::string next(4096, 'n');
  bool mixed = false;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const std::string name = "segment" + std::to_string(seed);
    handle file = files_.open_at(fresh_, name, open_mode::create_new).value();
    std::string_view piece = old;
    ASSERT_TRUE(files_.write(file, 0, {&piece, 1}));
    ASSERT_TRUE(files_.sync_all(file));
    piece = next;
    ASSERT_TRUE(files_.write(file, 0, {&piece, 1}));
    files_.crash(crash_keeps::anything, seed);
    open();
    file = files_.open_at(fresh_, name, open_mode::read).value();
    std::string found(5000, '\0');
    found.resize(files_.read(file, 0, found).value());
    ASSERT_EQ(found.size(), 4096U);
    EXPECT_EQ(found.find_first_not_of("on"), std::string::npos);
    mixed = mixed || (found != old && found != next);
  }
  EXPECT_TRUE(mixed);
}

TEST_F(forgetting_test, removal_is_forgotten_too) {
  const handle file = unnamed();
  link(file);
  ASSERT_TRUE(files_.sync_all(file));
  ASSERT_TRUE(files_.unlink_at(fresh_, "m"));
  EXPECT_EQ(after_cut(), "whole");
}

TEST_F(forgetting_test, a_sync_of_the_volume_covers_everything) {
  link(unnamed());
  ASSERT_TRUE(files_.sync_file_system(other_));
  EXPECT_EQ(after_cut(), "whole");
}

TEST_F(forgetting_test, a_lucky_crash_keeps_everything) {
  link(unnamed());
  EXPECT_EQ(after_cut(crash_keeps::everything), "whole");
}

TEST_F(forgetting_test, handles_are_dead_after_a_crash) {
  const handle file = unnamed();
  files_.crash(crash_keeps::nothing, 1);
  EXPECT_EQ(files_.status(file).error().number, EIO);
  EXPECT_EQ(files_.list(fresh_).error().number, EIO);
  EXPECT_EQ(files_.link_at(file, fresh_, "m").error().number, EIO);
  EXPECT_EQ(files_.open_handles(), 0U);
}

TEST_F(forgetting_test, a_crash_ends_locks_and_the_instance_of_the_volume) {
  const handle file = in_temporary();
  ASSERT_TRUE(files_.sync_all(file));
  ASSERT_TRUE(files_.try_lock(file));
  const std::string before = files_.instance(fresh_).value();
  EXPECT_EQ(after_cut(), "lost");
  EXPECT_NE(files_.instance(fresh_).value(), before);
  const handle again = files_.open_at(temporary_, "m", open_mode::read_write).value();
  EXPECT_TRUE(files_.try_lock(again));
  EXPECT_EQ(files_.try_lock(file).error().number, EIO);
}

TEST_F(forgetting_test, a_file_without_name_and_handle_takes_no_room) {
  files_.set_capacity(byte_count{20});
  {
    const handle file = unnamed();
    EXPECT_EQ(files_.space(fresh_).value().free.octets, 20U - body.size());
  }
  EXPECT_EQ(files_.space(fresh_).value().free.octets, 20U);
  link(unnamed());
  EXPECT_EQ(files_.space(fresh_).value().free.octets, 20U - body.size());
  ASSERT_TRUE(files_.unlink_at(fresh_, "m"));
  EXPECT_EQ(files_.space(fresh_).value().free.octets, 20U);
}

TEST_F(forgetting_posix_test, the_late_sync_of_the_file_does_not_carry_its_names) {
  const handle file = unnamed();
  link(file);
  ASSERT_TRUE(files_.sync_all(file));
  EXPECT_EQ(after_cut(), "lost");
}

TEST_F(forgetting_posix_test, file_and_directory_synced_is_enough) {
  const handle file = unnamed();
  ASSERT_TRUE(files_.sync_all(file));
  link(file);
  ASSERT_TRUE(files_.sync_all(fresh_));
  EXPECT_EQ(after_cut(), "whole");
}

TEST_F(forgetting_posix_test, a_new_directory_needs_the_sync_of_the_one_above) {
  ASSERT_TRUE(files_.make_directory_at(fresh_, "a"));
  handle a = files_.open_at(fresh_, "a", open_mode::directory).value();
  handle file = unnamed();
  ASSERT_TRUE(files_.sync_all(file));
  ASSERT_TRUE(files_.link_at(file, a, "m"));
  ASSERT_TRUE(files_.sync_all(a));
  after_cut();
  EXPECT_EQ(state(fresh_, "a/m"), "lost");
}

TEST_F(forgetting_test, room_and_permission_can_be_taken_away) {
  const handle file = unnamed();
  files_.set_capacity(byte_count{20});
  EXPECT_EQ(files_.write(file, 10, {&body, 1}).error().number, ENOSPC);
  EXPECT_EQ(files_.allocate(file, 21).error().number, ENOSPC);
  EXPECT_TRUE(files_.write(file, 0, {&body, 1})) << "no growth, no space needed";
  files_.set_max_links(1);
  link(file);
  EXPECT_EQ(files_.link_at(file, other_, "m").error().number, EMLINK);
  files_.set_unnamed_files(false);
  EXPECT_EQ(files_.create_unnamed_at(fresh_).error().number, EOPNOTSUPP);
  files_.set_read_only(true);
  EXPECT_TRUE(files_.space(fresh_).value().read_only);
  EXPECT_EQ(files_.unlink_at(fresh_, "m").error().number, EROFS);
  EXPECT_EQ(files_.write(file, 0, {&body, 1}).error().number, EROFS);
}

TEST(forgetting_file_system, no_name_crosses_from_one_volume_to_another_also_after_a_crash) {
  forgetting_file_system files;
  files.make_directories("/here");
  files.make_volume("/there");
  files.set_time(1000);
  for (const bool again : {false, true}) {
    const handle here = files.open_directory("/here").value();
    const handle there = files.open_directory("/there").value();
    const std::string name = again ? "second" : "first";
    const handle file = files.open_at(here, name, open_mode::create_new).value();
    EXPECT_NE(files.status(here)->device, files.status(there)->device);
    EXPECT_EQ(files.status(file)->modified, 1000);
    EXPECT_EQ(files.link_at(file, there, "x").error().number, EXDEV);
    EXPECT_EQ(files.link_name_at(here, name, there, "x").error().number, EXDEV);
    EXPECT_EQ(files.rename_at(here, name, there, "x", on_existing::replace).error().number, EXDEV);
    const handle unnamed = files.create_unnamed_at(there).value();
    EXPECT_TRUE(files.link_at(unnamed, there, name));
    files.crash(crash_keeps::everything, 1);
  }
}

} // namespace
} // namespace homeward::fs
