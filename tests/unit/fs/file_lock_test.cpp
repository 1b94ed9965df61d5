// The lock of a file holds against other processes, and ends with the one that has it.

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

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

} // namespace
} // namespace homeward::fs
