#include <cerrno>

#include <gtest/gtest.h>

#include "lib/fs/io_result.hpp"

namespace homeward::fs {
namespace {

TEST(to_failure, keeps_the_reason_and_says_where) {
  const failure full = to_failure({ENOSPC, "pwritev"}, "example.org/ann");
  EXPECT_EQ(full.kind, failure_kind::transient);
  EXPECT_EQ(full.reason, failure_reason::full);
  EXPECT_EQ(full.cause, "pwritev: No space left on device [example.org/ann]");
  EXPECT_EQ(to_failure({EDQUOT, "pwritev"}).reason, failure_reason::quota);
}

TEST(to_failure, is_transient_and_advises_for_every_fault_of_ours) {
  for (const int number :
       {EIO, EROFS, EACCES, EPERM, ELOOP, EXDEV, ENOTDIR, EMFILE, ENFILE, ENOSPC, EDQUOT, ESTALE}) {
    const failure f = to_failure({number, "call"});
    EXPECT_EQ(f.kind, failure_kind::transient) << number;
    EXPECT_FALSE(f.advice.empty()) << number;
  }
}

} // namespace
} // namespace homeward::fs
