#include "lib/directory/placement.hpp"

namespace homeward::directory {

std::optional<partition_id> placement::next() {
  candidate* best = nullptr;
  std::int64_t total = 0;
  for (auto& c : candidates_) {
    c.credit += c.weight;
    total += c.weight;
    if (best == nullptr || c.credit > best->credit) {
      best = &c;
    }
  }
  if (best == nullptr) {
    return std::nullopt;
  }
  best->credit -= total;
  return best->id;
}

} // namespace homeward::directory
