// What the journal and its recovery ask of a real volume beyond the order of syncs: an instance
// that changes exactly when unsynced octets may be lost, reserved space that can be overwritten on
// a full disk, and files replaced by a rename.

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <functional>
#include <sched.h>
#include <string>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "lib/fs/real_file_system.hpp"

#include "tests/crash/semantics/loop_volume.hpp"

namespace homeward::fs {
namespace {

using test::loop_volume;
using test::volume_type;

// What another process says of a handle after it has run `change`.
std::string told_by_child(const std::string& path, const std::function<bool()>& change) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    std::string told = "the child could not change";
    real_file_system files;
    const auto root = files.open_directory(path);
    if (change()) {
      const auto instance = root ? files.instance(*root) : root.error();
      told = instance ? *instance : std::string("error ") + instance.error().operation;
    }
    (void)!::write(ends[1], told.data(), told.size());
    ::_exit(0);
  }
  ::close(ends[1]);
  std::array<char, 300> text{};
  const ssize_t n = ::read(ends[0], text.data(), text.size());
  ::close(ends[0]);
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  return {text.data(), n > 0 ? static_cast<std::size_t>(n) : 0U};
}

class volume_test : public ::testing::TestWithParam<volume_type> {
 protected:
  void SetUp() override {
    if (const auto reason = loop_volume::why_not(GetParam())) {
      GTEST_SKIP() << *reason;
    }
  }
  std::string instance_of(const std::filesystem::path& path) {
    const auto root = files_.open_directory(path.string());
    const auto instance = root ? files_.instance(*root) : root.error();
    return instance ? *instance : std::string("error ") + instance.error().operation;
  }
  void write_all(const handle& file, std::uint64_t offset, const std::string& octets) {
    const std::array<std::string_view, 1> piece = {octets};
    ASSERT_TRUE(files_.write(file, offset, piece));
  }

  real_file_system files_;
};

TEST_P(volume_test, the_instance_is_the_same_for_everybody_and_another_after_a_mount) {
  loop_volume volume(GetParam());
  const std::string path = volume.path().string();
  const std::string first = instance_of(path);
  ASSERT_FALSE(first.empty()) << "this kernel must be able to tell";
  EXPECT_EQ(told_by_child(path, [] { return true; }), first);
  EXPECT_EQ(told_by_child(path, [] { return ::setuid(65534) == 0; }), first) << "no root";
  EXPECT_EQ(told_by_child(path, [] { return ::unshare(CLONE_NEWNS) == 0; }), first);
  std::filesystem::create_directory(volume.path() / "a");
  EXPECT_EQ(instance_of(volume.path() / "a"), first);
  const std::string other_mount = path + "-again";
  std::filesystem::create_directory(other_mount);
  ASSERT_EQ(::mount(path.c_str(), other_mount.c_str(), nullptr, MS_BIND, nullptr), 0);
  EXPECT_EQ(instance_of(other_mount), first) << "a bind mount";
  ASSERT_EQ(::umount(other_mount.c_str()), 0);
  ASSERT_EQ(::mount(nullptr, path.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
  EXPECT_EQ(instance_of(path), first) << "a remount";
  ASSERT_EQ(::mount(nullptr, path.c_str(), nullptr, MS_REMOUNT, nullptr), 0);

  volume.restart();
  const std::string second = instance_of(path);
  EXPECT_NE(second, first);
  EXPECT_FALSE(second.empty());
  loop_volume neighbour(GetParam());
  EXPECT_NE(instance_of(neighbour.path()), second);
}

TEST_P(volume_test, reserved_space_is_overwritten_on_a_full_disk) {
  constexpr std::size_t mebibyte = std::size_t{1} << 20U;
  loop_volume volume(GetParam());
  const handle root = files_.open_directory(volume.path().string()).value();
  const handle segment = files_.open_at(root, "segment", open_mode::create_new).value();
  ASSERT_TRUE(files_.allocate(segment, 4 * mebibyte));
  write_all(segment, 0, std::string(4 * mebibyte, 'a'));
  ASSERT_TRUE(files_.sync_file_system(root));
  const handle filler = files_.open_at(root, "filler", open_mode::create_new).value();
  std::uint64_t end = 0;
  for (std::uint64_t piece = 64 * mebibyte; piece >= mebibyte; piece /= 2) {
    while (files_.allocate(filler, end + piece)) { // until ENOSPC
      end += piece;
    }
  }
  ASSERT_TRUE(files_.sync_file_system(root));
  // Once is enough, and on a full btrfs it takes seconds: each write looks for new space first.
  write_all(segment, 0, std::string(4 * mebibyte, 'b'));
  EXPECT_TRUE(files_.sync_data(segment));
}

TEST_P(volume_test, a_file_replaced_by_a_rename_is_whole_after_a_sync_of_the_volume) {
  loop_volume volume(GetParam());
  {
    const handle root = files_.open_directory(volume.path().string()).value();
    ASSERT_TRUE(files_.make_directory_at(root, "tmp"));
    ASSERT_TRUE(files_.make_directory_at(root, "new"));
    const handle tmp = files_.open_at(root, "tmp", open_mode::directory).value();
    const handle fresh = files_.open_at(root, "new", open_mode::directory).value();
    write_all(files_.open_at(fresh, "m", open_mode::create_new).value(), 0, "torn");
    ASSERT_TRUE(files_.sync_file_system(root));
    const handle file = files_.create_unnamed_at(tmp).value();
    write_all(file, 0, "the whole message");
    ASSERT_TRUE(files_.link_at(file, tmp, "restore.m"));
    ASSERT_TRUE(files_.rename_at(tmp, "restore.m", fresh, "m", on_existing::replace));
    ASSERT_TRUE(files_.sync_file_system(root));
  }
  volume.restart();
  EXPECT_EQ(test::contents(volume.path() / "new/m"), "the whole message");
  EXPECT_TRUE(std::filesystem::is_empty(volume.path() / "tmp"));
}

INSTANTIATE_TEST_SUITE_P(volumes, volume_test,
                         ::testing::Values(volume_type::ext4, volume_type::xfs, volume_type::btrfs),
                         [](const auto& v) { return std::string(test::name_of(v.param)); });

} // namespace
} // namespace homeward::fs
