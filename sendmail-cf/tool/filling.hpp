#pragma once
// Spreads jobs over directories so that they fill evenly.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "lib/base/failure.hpp"
#include "lib/fs/file_system.hpp"
#include "lib/mta_queue/queue_directory.hpp"

namespace homeward::sendmail_cf {

// Counts what waits in each directory once, and then what is added.
class filling {
 public:
  [[nodiscard]] static result<filling>
  of(fs::file_system& files, const std::vector<mta_queue::queue_directory>& directories);

  // The index of the directory with the fewest messages; the first of them.
  [[nodiscard]] std::size_t least() const;
  void added(std::size_t index) { ++messages_[index]; }
  [[nodiscard]] const std::vector<std::uint64_t>& messages() const { return messages_; }

 private:
  std::vector<std::uint64_t> messages_;
};

// Whether two queue directories are the same one (their envelopes lie in the same place).
[[nodiscard]] bool is_same(fs::file_system& files, const mta_queue::queue_directory& a,
                           const mta_queue::queue_directory& b);

} // namespace homeward::sendmail_cf
