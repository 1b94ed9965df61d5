#pragma once
// Which records are settled: every recipient filed or aborted, nothing left to do. The lowest that
// is not is where a recovery would have to begin.

#include <cstddef>
#include <deque>
#include <mutex>

#include "stored/journal/record.hpp"

namespace homeward::journal {

// Safe from any thread.
class settlements {
 public:
  // Records below `first` are settled.
  explicit settlements(record_number first) : lowest_open_(first) {}

  // The next `count` records exist now, not settled.
  void add(std::size_t count);
  // Once for each record.
  void settle(record_number n);

  // All below are settled.
  [[nodiscard]] record_number lowest_open() const;
  [[nodiscard]] std::size_t open() const;

 private:
  mutable std::mutex mutex_; // guards all below
  record_number lowest_open_;
  std::deque<bool> settled_; // from lowest_open_ on
  std::size_t open_ = 0;
};

} // namespace homeward::journal
