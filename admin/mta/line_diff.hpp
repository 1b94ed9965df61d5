#pragma once
// What changes between two texts, as `diff -u` shows it. Pure.

#include <string>
#include <string_view>

namespace homeward::admin::mta {

// A unified diff with three lines of context; empty when the texts are equal. `from` and `to` name
// the two sides ("/dev/null": there is none). Control characters are escaped, so that the result
// can be printed; texts that are not text are only said to differ.
[[nodiscard]] std::string unified_diff(std::string_view before, std::string_view after,
                                       std::string_view from, std::string_view to);

} // namespace homeward::admin::mta
