#pragma once
// "Did you mean ...?": the name nearest to a misspelt one.

#include <string>
#include <string_view>
#include <vector>

namespace homeward::config {

// The one of `names` that `given` was most likely meant to be: the smallest number of inserted,
// removed, changed or swapped characters, at most a third of its length. "" when nothing is near.
[[nodiscard]] std::string nearest_name(std::string_view given,
                                       const std::vector<std::string>& names);

} // namespace homeward::config
