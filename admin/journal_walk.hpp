#pragma once
// Everything in one segment that can be read, also behind a place that cannot: for people who want
// to save what is left, and for figures about groups. Recovery never reads like this:
// stored/journal/segment_scan.hpp.

#include <cstdint>
#include <functional>
#include <string_view>

#include "lib/fs/file_system.hpp"

#include "stored/journal/segment_scan.hpp"

namespace homeward::admin {

struct walk_visitor {
  // A group with a valid header, and where it begins.
  std::function<void(std::uint64_t offset, const journal::group_header&)> group;
  // A whole record, checked by its checksum. Without it only the headers of groups are read.
  std::function<void(const journal::record_place&, std::string_view payload)> record;
  // Go on behind what cannot be read, to the end of the file; else it ends there.
  bool past_faults = false;
};

// Of the use of the segment that `header` tells of; what an earlier one left is passed over. The
// failure is that of the disk.
[[nodiscard]] result<void> walk(fs::file_system& files, const fs::handle& segment,
                                const journal::segment_header& header, const walk_visitor& visit);

} // namespace homeward::admin
