#pragma once
// The way from an address to a home, as the front ends go it.

#include <optional>
#include <string>
#include <vector>

#include "lib/directory/types.hpp"

#include "admin/session.hpp"

namespace homeward::admin {

struct located_home {
  std::vector<std::string> looked_up = {}; // mailboxes, in order; the last one was found, if any
  std::optional<directory::user> user = {};
  directory::partition partition = {}; // of the user
  directory::server server = {};
  std::vector<std::string> similar = {}; // when nobody was found: users of this name elsewhere
};

// A permanent failure when `address` is none; a transient one when the directory is away.
[[nodiscard]] result<located_home> locate_home(session& s, const std::string& address);

} // namespace homeward::admin
