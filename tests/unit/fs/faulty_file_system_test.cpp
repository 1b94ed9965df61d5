#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lib/fs/faulty_file_system.hpp"
#include "lib/fs/forgetting_file_system.hpp"

namespace homeward::fs {
namespace {

class faulty_test : public ::testing::Test {
 protected:
  forgetting_file_system memory_;
  faulty_file_system files_{memory_};
  handle root_ = memory_.open_directory("/").value();
};

TEST_F(faulty_test, fails_the_nth_call_of_a_kind_once) {
  files_.plan({.kind = call::make_directory_at, .nth = 2, .error = ENOSPC});
  EXPECT_TRUE(files_.make_directory_at(root_, "a"));
  EXPECT_EQ(files_.make_directory_at(root_, "b").error().number, ENOSPC);
  EXPECT_TRUE(files_.make_directory_at(root_, "b"));
  EXPECT_EQ(files_.count(call::make_directory_at), 3U);
}

TEST_F(faulty_test, fails_for_ever_until_reset) {
  files_.plan({.nth = 2, .error = EROFS, .for_ever = true});
  EXPECT_TRUE(files_.list(root_));
  EXPECT_EQ(files_.list(root_).error().number, EROFS);
  EXPECT_EQ(files_.space(root_).error().number, EROFS);
  files_.reset();
  EXPECT_TRUE(files_.list(root_));
  EXPECT_EQ(files_.calls(), std::vector<call>{call::list});
}

TEST_F(faulty_test, a_short_write_leaves_a_part_behind) {
  const handle file = files_.open_at(root_, "a", open_mode::create_new).value();
  files_.plan({.kind = call::write, .error = ENOSPC, .short_write = 5});
  const std::array<std::string_view, 3> pieces = {"one", "two", "three"};
  EXPECT_EQ(files_.write(file, 0, pieces).error().number, ENOSPC);
  std::array<char, 20> buffer{};
  EXPECT_EQ(std::string(buffer.data(), files_.read(file, 0, buffer).value()), "onetw");
}

TEST_F(faulty_test, nothing_reaches_the_disk_after_the_power_cut) {
  files_.cut_power_at(2);
  EXPECT_TRUE(files_.make_directory_at(root_, "a"));
  EXPECT_TRUE(files_.power_is_cut());
  EXPECT_EQ(files_.make_directory_at(root_, "b").error().number, EIO);
  EXPECT_EQ(memory_.list(root_).value().size(), 1U);
}

} // namespace
} // namespace homeward::fs
