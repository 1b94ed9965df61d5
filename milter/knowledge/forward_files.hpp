#pragma once
// Who has a .forward file, or whatever else ends or redirects a user's mail by being there.

#include <string>
#include <string_view>

#include "lib/base/failure.hpp"

#include "milter/knowledge/elsewhere.hpp"

namespace homeward::milter {

// "/home/{local}/.forward", "/var/forward/{local}": an absolute path with {local} once, which must
// not be in the first place behind the root. "" when `text` is one, else what is wrong with it.
[[nodiscard]] std::string check_forward_pattern(const std::string& text);

// Looks at every name for which the pattern could match: the folder in front of {local} is listed,
// so that it costs what the folder holds and not what the directory holds. A file that cannot be
// looked at for lack of permission counts as there. Blocks; the failure says why the folder could
// not be listed.
[[nodiscard]] result<name_set> find_forward_files(std::string_view pattern);

} // namespace homeward::milter
