#include "milter/knowledge/elsewhere.hpp"

#include <algorithm>

namespace homeward::milter {

namespace {

bool has_any(const name_set& names, std::string_view local, std::string_view delimiters) {
  const std::vector<std::string> keys = alias_keys(local, delimiters);
  return std::any_of(keys.begin(), keys.end(),
                     [&](const std::string& key) { return names.contains(key); });
}

} // namespace

bool elsewhere::redirects(std::string_view local, std::string_view domain, bool is_local,
                          std::string_view delimiters) const {
  const auto covers = [&](const auto& table) {
    return table->cover(local, domain, is_local, delimiters);
  };
  const auto forwards_it = [&](const auto& names) { return has_any(*names, local, delimiters); };
  return std::any_of(tables.begin(), tables.end(), covers) ||
         (is_local && std::any_of(forwards.begin(), forwards.end(), forwards_it));
}

bool elsewhere::has_account(std::string_view local, std::string_view delimiters) const {
  return accounts && has_any(*accounts, local, delimiters);
}

} // namespace homeward::milter
