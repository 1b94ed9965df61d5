#pragma once
// A journal directory as it lies on disk: which segments are in use, where recovery has to begin,
// what the next number is. Looking changes nothing, so homewardctl may look at the journal of a
// running store.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/fs/file_system.hpp"

#include "stored/journal/directory_layout.hpp"
#include "stored/journal/segment_scan.hpp"

namespace homeward::journal {

struct segment_file {
  std::string name;
  std::uint64_t size = 0;
  std::optional<segment_header> header; // nothing: none that can be read

  friend bool operator==(const segment_file&, const segment_file&) = default;
};

// What recovery needs to know.
struct journal_index {
  std::optional<journal_identity> whose; // nothing: no segment was ever used
  // By generation; they hold all records from `checkpoint` on. The last one used is always here,
  // needed or not: it alone knows what the next number is.
  std::vector<segment_file> live;
  std::vector<segment_file> unused; // hold nothing that is needed any more
  record_number checkpoint = 1;     // every record below is settled and durable
  record_number next_record = 1;
  std::uint64_t next_generation = 1;
  std::optional<scanned> torn; // how the last live segment ended, when torn
  // The octets of the last live segment of which no later group proves that they were synced.
  std::uint64_t unproved = 0;
  std::uint64_t unproved_end = 0;
};

// `expected_farm`: refused when the segments say another one; empty: any. Refused with file name
// and offset, and what to do: damage below what was synced; a segment missing in the middle (a gap
// in the numbers); segments of different journals in one directory; an unknown record type; a newer
// format version. A segment whose header cannot be read is unused when the crash that tore the
// header explains it, and damage when it holds a group that is needed. Reads every needed segment
// once, newest first. A store may be at work on the journal meanwhile; when it is too fast to be
// followed, the failure says so.
[[nodiscard]] result<journal_index> read_index(fs::file_system& files, const fs::handle& directory,
                                               std::string_view expected_farm);

// Gives all records from `from` on, over all live segments, in order. The visitor gets the segment
// too; returning false ends it. Fails as read_index() does, and when a running store has used one
// of the segments again since the index was read.
using journal_visitor =
    std::function<bool(const segment_file&, const record_place&, std::string_view payload)>;
[[nodiscard]] result<void> for_each_record(fs::file_system& files, const fs::handle& directory,
                                           const journal_index& index, record_number from,
                                           const journal_visitor& visit);

// Makes durable what the index found in the last live segment: a kill may have come between a write
// and its sync, or the sync may have failed, and then only the page cache has it. The octets are
// written again as they are, and synced. Whoever goes on from an index calls this first; otherwise
// a power cut could take records away that the next segment counts on. A failure is final, as that
// of any sync.
[[nodiscard]] result<void> secure_last_group(fs::file_system& files, const fs::handle& directory,
                                             const journal_index& index);

// Copies what a torn end leaves behind into "torn-<generation>-<offset>" in the directory, durably,
// for whoever wants to look. Nothing to do when it is there already, or nothing was left behind.
[[nodiscard]] result<void> keep_torn_end(fs::file_system& files, const fs::handle& directory,
                                         const journal_index& index);

} // namespace homeward::journal
