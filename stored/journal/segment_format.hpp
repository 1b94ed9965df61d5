#pragma once
// The frame around records in a segment file: a header block, then groups. Each group begins at a
// multiple of the block size and is written by one write and covered by one sync; no block is
// written twice in the life of a segment, so what was synced is never at risk again. Segments are
// used again; what an earlier use left in them has another generation. Octets and the reasons:
// docs/format/journal.md.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/failure.hpp"

#include "stored/journal/record.hpp"

namespace homeward::journal {

inline constexpr std::uint32_t format_version = 1;
inline constexpr std::size_t block_size = 4096;
inline constexpr std::size_t group_header_size = 64;
inline constexpr std::size_t record_header_size = 32;
inline constexpr std::size_t max_farm_name = 64;

// Made at random with the journal, and the same in all its segments. The checksums of group and
// record headers begin with it: it is the secret without which the body of a message cannot pass
// for a group of the journal it lies in. So a journal is readable by its owner only.
using volume_id = std::array<std::uint8_t, 16>;

// Whose journal it is; `farm` comes from the settings. A segment of another journal is never
// replayed.
struct journal_identity {
  volume_id volume{};
  std::string farm;

  friend bool operator==(const journal_identity&, const journal_identity&) = default;
};

// The first block of a segment. Written and synced before the first group.
struct segment_header {
  journal_identity whose;
  std::uint64_t generation = 0;   // of this use of the file; every use has the next number
  record_number first_record = 0; // the number of its first record
  record_number checkpoint = 0;   // as checkpoint_record::below, when its use began
  std::uint64_t size = 0;         // octets of the file
  std::uint64_t begun = 0;        // Unix time in seconds

  friend bool operator==(const segment_header&, const segment_header&) = default;
};

struct group_header {
  std::uint64_t generation = 0;
  record_number first_record = 0;
  record_number durable_below = 0; // every record below was synced when this group was written
  std::uint32_t records = 0;
  std::uint32_t octets = 0;  // of its records, behind this header, without the padding at the end
  std::uint64_t written = 0; // Unix time in milliseconds
  // Microseconds that the sync of the group before took, for whoever watches; 0: not known.
  std::uint32_t previous_sync = 0;

  friend bool operator==(const group_header&, const group_header&) = default;
};

struct record_header {
  std::uint64_t generation = 0;
  record_number number = 0;
  std::uint32_t payload_octets = 0;
  record_type type = record_type::delivery;
  std::uint32_t payload_crc = 0;

  friend bool operator==(const record_header&, const record_header&) = default;
};

// CRC-32C (Castagnoli), as in RFC 3720 appendix B.4.
[[nodiscard]] std::uint32_t crc32c(std::string_view octets);

// Exactly block_size octets. std::length_error: the name of the farm is over max_farm_name.
[[nodiscard]] std::string encode(const segment_header& h);
// Of a whole first block. `nothing` for a file never used (all zero). A failure names what is
// wrong: no journal segment, a newer format version, a wrong checksum.
[[nodiscard]] result<std::optional<segment_header>> decode_segment_header(std::string_view block);
// Whether such a block says that a newer version of the format wrote the segment.
[[nodiscard]] bool is_newer_format(std::string_view block);

// Writes the header into the group_header_size octets at `into`.
void encode(const group_header& h, const volume_id& volume, char* into);
// Nothing when the octets are no valid group header of this journal.
[[nodiscard]] std::optional<group_header> decode_group_header(std::string_view octets,
                                                              const volume_id& volume);
// Whether somebody meant to write a group here, valid or not: of any journal, or of the given
// generation. For the judgement of what cannot be read, never for reading.
[[nodiscard]] bool begins_like_group(std::string_view octets);
[[nodiscard]] bool begins_like_group(std::string_view octets, std::uint64_t generation);

// Writes the header into the record_header_size octets at `into`, in front of its payload.
void encode(const record_header& h, const volume_id& volume, char* into);
// Nothing when the octets are no valid record header of this journal. The type may be one that
// this version does not know.
[[nodiscard]] std::optional<record_header> decode_record_header(std::string_view octets,
                                                                const volume_id& volume);
// Whether this is the payload that the header speaks of.
[[nodiscard]] bool is_whole(const record_header& h, std::string_view payload);

// The next multiple of 8 (records) and of block_size (groups).
[[nodiscard]] constexpr std::size_t record_padded(std::size_t octets) {
  return (octets + 7) / 8 * 8;
}
[[nodiscard]] constexpr std::uint64_t block_padded(std::uint64_t octets) {
  return (octets + block_size - 1) / block_size * block_size;
}

// Lays records out as one group: add() each, then finish(). Each octet is copied once and goes
// through the checksum once. Reused for group after group, so that the buffer is allocated once. A
// group must stay below 4 GiB, and is best kept far below: readers hold it whole. Not thread-safe.
class group_builder {
 public:
  explicit group_builder(const volume_id& volume) : volume_(volume) {}

  void begin(std::uint64_t generation, record_number first_record);
  // The record gets the next number, which is given back. A record that cannot be encoded
  // (record_codec.hpp) throws, and the group is as it was.
  record_number add(const record& r);
  // The whole group, padded to blocks; valid until the next begin().
  [[nodiscard]] std::string_view finish(record_number durable_below, std::uint64_t written,
                                        std::uint32_t previous_sync = 0);
  // What add() would make of the group at most: for the decision whether it still fits.
  [[nodiscard]] static std::size_t room_for(const record& r);
  [[nodiscard]] std::size_t octets() const { return buffer_.size(); } // so far, without padding

 private:
  volume_id volume_;
  std::string buffer_;
  group_header header_;
};

} // namespace homeward::journal
