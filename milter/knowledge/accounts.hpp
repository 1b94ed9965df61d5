#pragma once
// The accounts of this host, as the name service knows them.

#include "lib/base/failure.hpp"

#include "milter/knowledge/elsewhere.hpp"

namespace homeward::milter {

// All names, in lower case. May take long where accounts come from the network. Not thread-safe
// against other users of getpwent(3): one thread of the process may call it.
[[nodiscard]] result<name_set> list_accounts();

} // namespace homeward::milter
