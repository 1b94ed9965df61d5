#pragma once
// What an operation of the file system gives back: a value, or the errno with the name of the
// call. Callers one level up turn it into a homeward::failure with to_failure(), where a person
// may read it.

#include <string_view>

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

#include "lib/base/failure.hpp"

namespace homeward::fs {

// An errno and where it came from. `operation` is a literal ("openat2", "fdatasync"): never freed.
struct io_error {
  io_error() = default;
  io_error(int errno_value, const char* literal) : number(errno_value), operation(literal) {}

  int number = 0;
  const char* operation = "";

  friend bool operator==(const io_error& e, int wanted) { return e.number == wanted; }
};

template <class T>
using io_result = boost::system::result<T, io_error>;

// The failure for the log and the peer; `context` (a mailbox, a path) is added to its cause. Errors
// whose remedy an operator has to know (symbolic link in the way, wrong owner, read-only volume, no
// descriptors left) carry their advice. All of them are transient.
[[nodiscard]] failure to_failure(const io_error& e, std::string_view context = {});

// Called by boost::system::result when value() is asked of an error: a bug of the caller.
[[noreturn]] void throw_exception_from_error(const io_error& e,
                                             const boost::source_location& where);

} // namespace homeward::fs
