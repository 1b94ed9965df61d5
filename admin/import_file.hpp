#pragma once
// Reads users from the files that farms have: passwd, and CSV. Pure: text in, entries and
// complaints out, each with its line. Nothing is decided here about the directory.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/byte_count.hpp"
#include "lib/directory/types.hpp"
#include "lib/mail/address_rules.hpp"

namespace homeward::admin {

// One user to be imported. What is not given is left to the defaults of the command.
struct import_entry {
  std::size_t line = 0; // counted from 1
  std::string mailbox;  // canonical
  std::optional<directory::partition_id> home = {};
  std::optional<directory::partition_id> secondary = {};
  std::optional<byte_count> quota = {};
  directory::user_state state = directory::user_state::active;
};

// A line that cannot be used. One sentence.
struct import_problem {
  std::size_t line = 0;
  std::string what;
};

struct import_list {
  std::vector<import_entry> entries;    // in the order of the file, each mailbox once
  std::vector<import_problem> problems; // in the order of the file
  std::size_t passed_over = 0;          // lines of passwd that are no people
};

struct import_rules {
  mail::address_rules addresses;
  std::string domain;           // added to names without one; empty: the default domain, if any
  std::uint64_t min_uid = 1000; // passwd: users outside are passed over
  std::uint64_t max_uid = 59999;
};

// passwd(5): name:password:uid:gid:gecos:home:shell. Comments and NIS lines (+, -) are passed over.
[[nodiscard]] import_list read_passwd(std::string_view text, const import_rules& rules);

// CSV (RFC 4180; LF too): columns mailbox, home, secondary, quota, state. A first line that begins
// with "mailbox" names the columns in another order; otherwise they are as here, and all but the
// first may be left out or empty. Empty lines, and lines that begin with #, are comments.
[[nodiscard]] import_list read_csv(std::string_view text, const import_rules& rules);

} // namespace homeward::admin
