#pragma once
// What the user directory holds: servers, their partitions (the storage space list), and for every
// mailbox the home it lives in. Plain values. docs/format/directory.md describes them for other
// programs; the names of enumerators below are written to disk, so they never change.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/byte_count.hpp"
#include "lib/base/failure.hpp"

namespace homeward::directory {

// The longest name of a server or of a partition's directory.
inline constexpr std::size_t longest_name = 64;

// True for 1..64 octets of [A-Za-z0-9._-] without a leading dot: names of servers and directories,
// as they appear in the storage protocol, in paths and in log lines.
[[nodiscard]] bool is_name(std::string_view text);

// "server/directory": how people and programs name a partition everywhere.
struct partition_id {
  std::string server;
  std::string directory;

  friend auto operator<=>(const partition_id&, const partition_id&) = default;
};
[[nodiscard]] std::string to_string(const partition_id& id);
// Permanent failure, with words, when `text` is not two names joined by '/'.
[[nodiscard]] result<partition_id> parse_partition_id(std::string_view text);

// A storage server, or for `path` partitions the name of whatever serves the path.
struct server {
  std::string name;
  // "host:port", "[::1]:2424" or "unix:/path", tried in this order. Empty: it runs no stored.
  std::vector<std::string> endpoints = {};

  friend bool operator==(const server&, const server&) = default;
};

enum class partition_kind : std::uint8_t {
  stored = 1, // reached through the storage protocol
  path = 2,   // a directory tree that the front end itself can write, such as an NFS mount
};

enum class partition_state : std::uint8_t {
  active = 1,   // takes new users and mail
  draining = 2, // takes mail, no new users: it is being emptied
  full = 3,     // takes mail as long as there is room, no new users
  offline = 4,  // takes nothing: mail for its users is answered "try later" without asking it
};

// One partition of the storage space list.
struct partition {
  partition_id id;
  partition_kind kind = partition_kind::stored;
  partition_state state = partition_state::active;
  // Its share of new users against the others; 0: gets none.
  std::uint32_t weight = 1;
  // Absolute path, for kind `path` only.
  std::string path = {};

  friend bool operator==(const partition&, const partition&) = default;
};

// The largest weight that may be given.
inline constexpr std::uint32_t largest_weight = 1000;

enum class user_state : std::uint8_t {
  active = 1,
  disabled = 2, // keeps home and mail; new mail is refused for good, readers should not log in
};

// Where a user's mail lives.
struct home {
  partition_id primary;
  std::optional<partition_id> secondary = {}; // second copy; never equal to primary
  byte_count quota{};                         // 0: no limit
  user_state state = user_state::active;
  // Raised by every change of primary or secondary, and never lowered, not even when a mailbox is
  // removed and made again: a store refuses mail that comes with an old one.
  std::uint64_t epoch = 1;

  friend bool operator==(const home&, const home&) = default;
};

// One user. The mailbox is canonical: the result of mail::address_rules::canonical().
struct user {
  std::string mailbox;
  home where;

  friend bool operator==(const user&, const user&) = default;
};

// The names on disk, on the command line and in JSON; parsing an unknown name yields nothing.
[[nodiscard]] std::string_view name_of(partition_kind kind);
[[nodiscard]] std::string_view name_of(partition_state state);
[[nodiscard]] std::string_view name_of(user_state state);
[[nodiscard]] std::optional<partition_kind> parse_partition_kind(std::string_view text);
[[nodiscard]] std::optional<partition_state> parse_partition_state(std::string_view text);
[[nodiscard]] std::optional<user_state> parse_user_state(std::string_view text);

// What is wrong with a value before it goes into a directory: one sentence, or "" when it is good.
// Engines check this on every write; references to other records are checked by the engine itself.
[[nodiscard]] std::string complaint(const server& s);
[[nodiscard]] std::string complaint(const partition& p);
[[nodiscard]] std::string complaint(const user& u);

} // namespace homeward::directory
