#pragma once
// Shared by the generators of lib/config (print.cpp, example.cpp, manual.cpp): the entries of a
// table as the tree of YAML maps that their dots describe, and filled text.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/config/schema.hpp"

namespace homeward::config {

// One level of the tree: a group of further levels, or a setting.
struct group {
  std::string name = {};       // last part of the path
  std::string path = {};       // "lmtp.tls"
  const entry* leaf = nullptr; // the setting, or nothing for a group
  std::vector<std::unique_ptr<group>> parts = {};
};

// The tree in the order of first appearance. It points into `s`.
[[nodiscard]] group tree_of(const schema& s);

// `text` filled into lines of at most `width` columns that all begin with `prefix`. Empty lines
// stay.
[[nodiscard]] std::string filled(std::string_view text, const std::string& prefix,
                                 std::size_t width = 100);

// "duration, 1s to 1h; default 5m": what there is to know of an entry besides its documentation.
// `defaults` may be null when no defaults are at hand.
[[nodiscard]] std::string facts_of(const entry& e, const void* defaults);

} // namespace homeward::config
