#pragma once
// Daemons do not run as root (reliability promise 26): started by root they become another user for
// good before they open anything.

#include <string>

#include "lib/base/failure.hpp"

namespace homeward::net {

// Becomes `user` with its groups, without a way back. Nothing to do when the process is that user
// already. Fails when the user is unknown or the process may not change.
[[nodiscard]] result<void> become_user(const std::string& user);

[[nodiscard]] bool runs_as_root();

} // namespace homeward::net
