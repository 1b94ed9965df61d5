// The lock of a file holds against other processes, and ends with the one that has it.

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <string>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "lib/fs/forgetting_file_system.hpp"
#include "lib/fs/real_file_system.hpp"

#include "tests/unit/fs/temporary_directory.hpp"

namespace homeward::fs {
namespace {

TEST(file_lock, holds_against_other_processes_until_the_holder_dies) {
  const test::temporary_directory scratch;
  real_file_system files;
  const handle root = files.open_directory(scratch.text()).value();
  const handle file = files.open_at(root, "lock", open_mode::create_new).value();
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto own = files.open_at(root, "lock", open_mode::read_write);
    const char told = own && files.try_lock(*own) ? 'y' : 'n';
    (void)!::write(ends[1], &told, 1);
    for (;;) {
      ::pause();
    }
  }
  char told = 0;
  ASSERT_EQ(::read(ends[0], &told, 1), 1);
  EXPECT_EQ(told, 'y');
  EXPECT_EQ(files.try_lock(file).error().number, EWOULDBLOCK);
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(files.try_lock(file));
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(file_lock, flock_is_the_lock_of_flock_and_the_other_kind_does_not_see_it) {
  const test::temporary_directory scratch;
  real_file_system files;
  const handle root = files.open_directory(scratch.text()).value();
  const handle ours = files.open_at(root, "qf1", open_mode::create_new).value();
  handle other = files.open_at(root, "qf1", open_mode::read).value();
  ASSERT_TRUE(files.try_flock(ours));
  EXPECT_TRUE(files.try_flock(ours));
  EXPECT_TRUE(files.try_lock(ours));
  EXPECT_EQ(files.try_flock(other).error().number, EWOULDBLOCK);
  const int stranger = ::open((scratch.text() + "/qf1").c_str(), O_RDWR | O_CLOEXEC);
  EXPECT_EQ(::flock(stranger, LOCK_EX | LOCK_NB), -1);
  other.close();
  ASSERT_EQ(::flock(ours.number(), LOCK_UN), 0);
  EXPECT_EQ(::flock(stranger, LOCK_EX | LOCK_NB), 0);
  EXPECT_EQ(files.try_flock(ours).error().number, EWOULDBLOCK);
  ::close(stranger);
  EXPECT_TRUE(files.try_flock(ours));
}

TEST(file_lock, in_memory_flock_holds_until_the_handle_is_closed) {
  forgetting_file_system files;
  files.make_directories("/queue");
  const handle root = files.open_directory("/queue").value();
  handle ours = files.open_at(root, "qf1", open_mode::create_new).value();
  const handle other = files.open_at(root, "qf1", open_mode::read).value();
  ASSERT_TRUE(files.try_flock(ours));
  EXPECT_TRUE(files.try_lock(ours));
  EXPECT_EQ(files.try_flock(other).error().number, EWOULDBLOCK);
  ours.close();
  EXPECT_TRUE(files.try_flock(other));
}

} // namespace
} // namespace homeward::fs
