#pragma once
// Jobs that were left alone because something is wrong with them, by what is wrong.

#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace homeward::sendmail_cf {

// Counts all and remembers the paths of the first of each kind.
class skipped_jobs {
 public:
  void add(const std::string& why, std::string path);

  [[nodiscard]] std::uint64_t count() const;
  // " (3 has no df, 1 ...)"; empty when there are none.
  [[nodiscard]] std::string in_short() const;
  // Each kind with its paths and what to do.
  void print(std::ostream& out) const;
  [[nodiscard]] nlohmann::json json() const;

 private:
  struct kind {
    std::uint64_t count = 0;
    std::vector<std::string> paths;
  };
  std::map<std::string, kind> kinds_;
};

} // namespace homeward::sendmail_cf
