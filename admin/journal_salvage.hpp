#pragma once
// All records of a journal that can be read, damaged or not, in the order of their numbers.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/fs/file_system.hpp"

#include "stored/journal/segment_scan.hpp"

namespace homeward::admin {

using salvage_visitor =
    std::function<void(const std::string& file, const journal::record_place&, std::string_view)>;

// The records of all segments whose header can be read, needed or not. Segments of another journal
// than the newest one's, and those that cannot be read at all, are named in `passed_over`.
struct salvaged {
  std::vector<std::string> passed_over;
};
[[nodiscard]] result<salvaged> salvage(fs::file_system& files, const fs::handle& directory,
                                       const salvage_visitor& visit);

// Numbers that follow each other.
struct record_range {
  journal::record_number first = 0;
  journal::record_number last = 0;
};
// "17 to 20, 25".
[[nodiscard]] std::string to_string(const std::vector<record_range>& ranges);

// The numbers that a salvage gives.
class readable_numbers {
 public:
  void add(journal::record_number n);
  [[nodiscard]] const std::vector<record_range>& ranges() const { return ranges_; }
  // What is missing between them.
  [[nodiscard]] std::vector<record_range> gaps() const;

 private:
  std::vector<record_range> ranges_;
};

} // namespace homeward::admin
