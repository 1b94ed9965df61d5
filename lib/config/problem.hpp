#pragma once
// What is wrong with a settings file, in words an operator can act on at night. Every problem names
// its file, line and key, says what was found, and what should be written instead. All problems of
// a file are reported together, so that one edit repairs them.

#include <cstddef>
#include <string>
#include <vector>

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

namespace homeward::config {

// One fault of a settings file.
struct problem {
  std::string file;      // as the operator named it
  std::size_t line = 0;  // counted from 1; 0 when the fault is something that is not there
  std::string key = {};  // "lmtp.idle_timeout", "partitions[1].name"; empty for the file as a whole
  std::string what = {}; // what was found: `"5 minuts" is not a duration`
  std::string meant = {}; // what to write instead: `write it as 30s, 5m or 2h`; may be empty
};

using problems = std::vector<problem>;

// "FILE:LINE: KEY: WHAT; MEANT", leaving out the parts that are empty. One line, printable.
[[nodiscard]] std::string to_string(const problem& p);

// One line each, every line ended.
[[nodiscard]] std::string to_string(const problems& list);

// Either a value, or every problem that stands in its way (never an empty list).
template <class T>
using outcome = boost::system::result<T, problems>;

// Called by boost::system::result when value() is asked of problems: a bug of the caller.
[[noreturn]] void throw_exception_from_error(const problems& list,
                                             const boost::source_location& where);

} // namespace homeward::config
