#pragma once
// What people and programs get to see: tables, one-record listings, and JSON of the directory's
// records.

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "lib/directory/engine.hpp"
#include "lib/directory/types.hpp"

namespace homeward::admin {

// Columns that are as wide as their widest cell. Cells are escaped; a name ending in '>' aligns
// right.
class table {
 public:
  explicit table(std::vector<std::string> columns);
  void add(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  void print(std::ostream& out) const;

 private:
  std::vector<std::string> columns_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

// "name  value" lines with the values below each other.
void print_facts(std::ostream& out, const std::vector<std::pair<std::string, std::string>>& facts);

[[nodiscard]] std::string join(const std::vector<std::string>& words, std::string_view between);
// "none" for 0, else "5 GiB".
[[nodiscard]] std::string quota_text(byte_count quota);
// "12.3 GiB": for people, rounded.
[[nodiscard]] std::string size_text(std::uint64_t octets);
// "1 user", "2 users".
[[nodiscard]] std::string count_of(std::uint64_t number, std::string_view thing);

[[nodiscard]] nlohmann::json to_json(const directory::server& s);
[[nodiscard]] nlohmann::json to_json(const directory::partition& p);
[[nodiscard]] nlohmann::json to_json(const directory::user& u);

} // namespace homeward::admin
