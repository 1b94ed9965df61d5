#pragma once
// The segment files of a journal: reserved on disk in advance, used one after the other, and used
// again once a checkpoint has made their records unneeded. All of them stay open, so that a full
// table of descriptors cannot stop a journal that runs.

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/clock.hpp"
#include "lib/fs/file_system.hpp"

#include "stored/journal/journal_index.hpp"

namespace homeward::journal {

struct segment_sizes {
  byte_count size = byte_count{std::uint64_t{64} << 20U}; // of each; a multiple of block_size
  std::size_t count = 4;                                  // at least 3
};
inline constexpr std::uint64_t smallest_segment = std::uint64_t{1} << 20U;

// What is wanted, made smaller for a small volume: the journal takes at most a sixteenth of it.
[[nodiscard]] segment_sizes fit(segment_sizes wanted, byte_count volume);

// A segment that takes groups.
struct begun_segment {
  const fs::handle* file = nullptr; // the pool's
  std::string name;
  std::uint64_t generation = 0;
  std::uint64_t size = 0;
};

// Safe from any thread. `files` and `directory` must outlive it.
class segment_pool {
 public:
  segment_pool(fs::file_system& files, const fs::handle& directory, journal_identity whose,
               const journal_index& found);

  // Opens what is there and makes what is missing, durably: the space is the journal's from now on,
  // and has been written, so that the first start on a volume writes all of it.
  // Fails with `full` when the volume has not enough room.
  [[nodiscard]] result<void> reserve(segment_sizes sizes);
  // Gives back the disk space of all unused segments but one, for a recovery that finds the disk
  // full. The next reserve() takes it again.
  [[nodiscard]] std::size_t release_spares();

  // Writes and syncs the header of an unused segment. Nothing when there is none to spare: retire
  // some first. One always stays unused, so that a recovery has where to write its checkpoint, even
  // on a full disk; only the first segment of a start may be that one. A failure is final for the
  // journal.
  [[nodiscard]] result<std::optional<begun_segment>>
  begin_next(record_number first_record, record_number checkpoint, wall_time now);

  // A checkpoint below which nothing is needed is durable: segments with nothing else are unused.
  // Returns how many became so.
  std::size_t retire_below(record_number below);

  // Whether retire_below() would make any unused.
  [[nodiscard]] bool would_retire(record_number below) const;
  // Whether begin_next() would find a segment.
  [[nodiscard]] bool has_one_to_begin() const;
  [[nodiscard]] std::size_t unused() const;
  // Octets of all segments that hold something needed.
  [[nodiscard]] std::uint64_t octets_in_use() const;
  [[nodiscard]] std::uint64_t octets_in_all() const;
  // The smallest segment: no record may be larger than its half.
  [[nodiscard]] std::uint64_t smallest() const;

 private:
  struct segment {
    std::string name;
    fs::handle file;
    std::uint64_t size = 0;
    record_number first_record = 0; // while in use
  };
  [[nodiscard]] result<void> open_all();
  [[nodiscard]] result<segment> make(std::uint64_t octets);
  [[nodiscard]] fs::io_result<void> prepare(const fs::handle& file, std::uint64_t octets);

  fs::file_system& files_;
  const fs::handle& directory_;
  const journal_identity whose_;
  mutable std::mutex mutex_;   // guards all below
  std::deque<segment> in_use_; // by generation
  std::deque<segment> unused_;
  std::uint64_t next_generation_;
  bool begun_one_ = false;
  std::uint64_t next_number_ = 1; // of the next file name
};

} // namespace homeward::journal
