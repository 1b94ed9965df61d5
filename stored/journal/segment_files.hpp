#pragma once
// The segment files of a journal directory and what their first blocks say, before anything is
// concluded from it. A part of journal_index.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/fs/file_system.hpp"

#include "stored/journal/journal_index.hpp"

namespace homeward::journal {

struct found_segment {
  segment_file file;
  std::string unreadable; // why there is no header; empty: there is one, or nothing at all

  friend bool operator==(const found_segment&, const found_segment&) = default;
};

// By name. A failure: the disk does not read, or a segment is of a newer format version.
[[nodiscard]] result<std::vector<found_segment>> list_segments(fs::file_system& files,
                                                               const fs::handle& directory);

// The header of an open segment as it is now.
[[nodiscard]] result<std::optional<segment_header>>
read_segment_header(fs::file_system& files, const fs::handle& segment, std::string_view name);

// Of a segment without a header that can be read: the highest generation of its groups, by the
// secret of the other segments. 0: none of them is valid.
[[nodiscard]] result<std::uint64_t> newest_group(fs::file_system& files,
                                                 const fs::handle& directory,
                                                 const segment_file& segment,
                                                 const volume_id& volume);

// Whether anything in there begins like a group, of whatever journal: for when no secret is known.
[[nodiscard]] result<bool> holds_any_group(fs::file_system& files, const fs::handle& directory,
                                           const segment_file& segment);

} // namespace homeward::journal
