#pragma once
// The text of a settings file as a tree that remembers its lines and still has every duplicate key,
// which the YAML library's own tree would drop.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "lib/config/report.hpp"

namespace homeward::config {

struct member;

// One value of the file.
struct node {
  enum class kind : unsigned char { null, scalar, list, map };

  kind type = kind::null;
  std::size_t line = 0;         // counted from 1
  std::string text = {};        // of a scalar
  bool quoted = false;          // a scalar in quotes is text, whatever it looks like
  std::vector<node> items = {}; // of a list
  // Of a map, in the order of the file, duplicates included. Without initialiser: clang 16 does not
  // take one for an incomplete type.
  std::vector<member> members;
};

// One `name: value` of a map.
struct member {
  std::string name;
  std::size_t line = 0; // of the name
  node value;
};

// Reads one YAML document. Faults (syntax, more than one document, aliases, text that is not UTF-8)
// go to `into`; then the tree may be incomplete. An empty text is a null node.
[[nodiscard]] node parse_yaml(std::string_view text, const report& into);

} // namespace homeward::config
