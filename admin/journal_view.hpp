#pragma once
// What `journal show` knows of a journal, put together from its segments and what lies beside them.

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lib/fs/file_system.hpp"

#include "admin/journal_beside.hpp"
#include "stored/journal/journal_index.hpp"

namespace homeward::admin {

struct segment_view {
  journal::segment_file file;
  bool live = false; // holds something a recovery would read, or is the last one
  std::uint64_t records = 0;
  journal::record_number last = 0; // 0: no records
  std::uint64_t used = 0;          // octets up to the end of the last group
};

// Of the records of one type above the checkpoint.
struct backlog_view {
  std::uint64_t records = 0;
  std::uint64_t octets = 0; // in the journal
};

// Samples, sorted when they are complete.
class distribution {
 public:
  void add(std::uint64_t value) { values_.push_back(value); }
  void sort();
  [[nodiscard]] std::uint64_t count() const { return values_.size(); }
  [[nodiscard]] double mean() const;
  // The value below which this share of them lies; 0 without values.
  [[nodiscard]] std::uint64_t at(double share) const;
  [[nodiscard]] std::uint64_t median() const { return at(0.5); }
  [[nodiscard]] std::uint64_t max() const { return at(1); }

 private:
  std::vector<std::uint64_t> values_;
};

// Of all groups that are still in the files, needed or not.
struct groups_view {
  distribution records;
  distribution octets;
  distribution sync;     // microseconds, of those that are known
  double per_second = 0; // of those written at most 100 ms after the one before; 0: none was
};

struct journal_view {
  journal::journal_index index;
  std::vector<segment_view> segments; // by name
  std::map<journal::record_type, backlog_view> backlog;
  std::uint64_t marked = 0; // deliveries of the backlog that are settled, as far as the marks say
  groups_view groups;
  journal_beside beside;
};

// Transient failure: the disk, damage, or a store that was faster.
[[nodiscard]] result<journal_view> view_of(fs::file_system& files, const fs::handle& directory);

// "delivery", "delivery_apart", "abort", "checkpoint".
[[nodiscard]] std::string name_of(journal::record_type type);

} // namespace homeward::admin
