#pragma once
// The identity file in the root of every partition: proof that the right volume is mounted, and the
// path template under which its mail lies (a template in the settings could be changed and orphan
// the mail). docs/format/partition.md is the specification; change both or none.

#include <string>
#include <string_view>

#include "lib/base/clock.hpp"
#include "lib/base/failure.hpp"
#include "lib/maildir/path_template.hpp"

namespace homeward::maildir {

inline constexpr std::string_view identity_file_name = ".homeward-partition";
inline constexpr std::size_t max_partition_name = 64;

// Value type.
struct identity {
  std::string
      name;       // of the partition, as PRTN gives it: [A-Za-z0-9._-], no leading dot, at most 64
  std::string id; // 32 lower-case hexadecimal digits, random
  path_template paths;
  std::string created; // "2026-11-20T10:50:00Z"
};

[[nodiscard]] bool is_partition_name(std::string_view name);

// A fresh identity with a random id.
[[nodiscard]] result<identity> make_identity(std::string_view name, std::string_view path_template,
                                             wall_time now);

// The text of the file, and back. The failure says which line is wrong.
[[nodiscard]] std::string format_identity(const identity& i);
[[nodiscard]] result<identity> parse_identity(std::string_view text);

} // namespace homeward::maildir
