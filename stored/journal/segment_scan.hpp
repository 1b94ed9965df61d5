#pragma once
// Reads the records of one segment in their order and says how it ends. Everybody who reads a
// journal reads through here: recovery, followers, homewardctl.

#include <cstdint>
#include <functional>
#include <string>

#include "lib/fs/file_system.hpp"

#include "stored/journal/segment_format.hpp"

namespace homeward::journal {

// Where a record lies, to read it again later.
struct record_place {
  record_number number = 0;
  record_type type = record_type::delivery;
  std::uint64_t offset = 0; // of the record header in the segment
  std::uint32_t octets = 0; // of the payload
};

enum class segment_end : unsigned char {
  clean,   // nothing behind the last record
  torn,    // a group that was being written when the machine or the process died: what is whole of
           // it was given, the rest was never acknowledged. Also: the file was cut short
  damaged, // something that was synced cannot be read: a later group, or a caller's knowledge,
           // proves it
};

struct scanned {
  record_number next_record = 0; // the number behind the last one given
  std::uint64_t end = 0;         // behind the last whole group; the next begins here, when clean
  std::uint64_t last_group = 0;  // offset of the last group that gave a record; 0: none did
  segment_end how = segment_end::clean;
  std::uint64_t bad_offset = 0; // torn and damaged: of what could not be read
  std::uint64_t bad_octets =
      0;           // of the torn part: up to the end of its group, as far as it is known
  std::string why; // torn and damaged: for the operator
};

// Called for each record with its payload, a view that ends with the call. Returning false ends the
// scan, as clean.
using record_visitor = std::function<bool(const record_place&, std::string_view payload)>;

// `expected_next`: what the next segment says is its first record, 0 for the last segment. A
// segment that ends below it is damaged; what it holds from there on is not given, because the next
// segment has those numbers. Records of a type that is not known are a failure: this journal was
// written by a newer version. Also a failure: the disk does not read. Failures and `why` name the
// offset; the file name is the caller's to add. Memory: the largest group or 1 MiB. Time: linear in
// the size of the file. The segment may be written to meanwhile: the scan ends where the writer
// was, clean or torn, but is never damaged by that.
[[nodiscard]] result<scanned> scan_segment(fs::file_system& files, const fs::handle& segment,
                                           const segment_header& header,
                                           record_number expected_next,
                                           const record_visitor& visit);

// Reads one record again and checks it again.
[[nodiscard]] result<std::string> read_payload(fs::file_system& files, const fs::handle& segment,
                                               const segment_header& header,
                                               const record_place& where);

} // namespace homeward::journal
