#pragma once
// What lies in a journal directory beside the segments, by name, and where the journal of a
// partition is found. docs/format/journal.md, "Files beside the segments".

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "stored/journal/record.hpp"

namespace homeward::journal {

// In one partition of the volume; the others hold a note with its absolute path.
inline constexpr std::string_view journal_directory_name = ".homeward-journal";
inline constexpr std::string_view journal_note_name = ".homeward-journal-at";

inline constexpr std::string_view segment_prefix = "segment-";     // then 8 decimal digits
inline constexpr std::string_view identity_prefix = "identities-"; // then 8 decimal digits
inline constexpr std::string_view torn_prefix = "torn-";           // generation, '-', offset
inline constexpr std::string_view parked_prefix = "parked-";       // partition id, '-', 8 digits
inline constexpr std::string_view filed_marks_name = "filed";
inline constexpr std::string_view failed_note_name = "failed";

// The file of the filed marks: the instance of the volume, then a slot for each record, where its
// number stands when it was settled.
namespace filed_layout {
// Two records that share a slot: the older one is looked for at the next start, no more.
inline constexpr std::size_t slots = std::size_t{1} << 18U;
inline constexpr std::uint64_t slots_begin = 4096;
inline constexpr std::size_t longest_instance = 512;
inline constexpr std::uint64_t rest_at = 512; // one octet: filed_marks::rest()

[[nodiscard]] constexpr std::uint64_t place_of(record_number n) {
  return slots_begin + n % slots * sizeof n;
}
} // namespace filed_layout

} // namespace homeward::journal
