#pragma once
// Deals new users out over partitions (requirement A2): with equal weights strictly in turn,
// otherwise each partition as often as its weight says, spread evenly and not in bursts (smooth
// weighted round robin). Pure; the state is the credit of each partition, which the directory
// keeps.

#include <cstdint>
#include <optional>
#include <vector>

#include "lib/directory/types.hpp"

namespace homeward::directory {

struct candidate {
  partition_id id;
  std::uint32_t weight = 1; // above 0
  std::int64_t credit = 0;
};

class placement {
 public:
  // Those that may be given users, in the order of their turn.
  explicit placement(std::vector<candidate> candidates) : candidates_(std::move(candidates)) {}

  // The next in turn; nothing when there are no candidates.
  [[nodiscard]] std::optional<partition_id> next();

  [[nodiscard]] const std::vector<candidate>& state() const { return candidates_; }

 private:
  std::vector<candidate> candidates_;
};

} // namespace homeward::directory
