#include "stored/journal/commit_queue.hpp"

#include <utility>

namespace homeward::journal {

void commit_queue::push(const std::string& lane, waiting_record r) {
  ++records_;
  octets_ += r.octets;
  lanes_[lane].push_back(std::move(r));
}

commit_queue::lanes::iterator commit_queue::next_lane() {
  const auto after = lanes_.upper_bound(served_last_);
  return after == lanes_.end() ? lanes_.begin() : after;
}

waiting_record commit_queue::pop(lanes::iterator lane) {
  waiting_record taken = std::move(lane->second.front());
  lane->second.pop_front();
  --records_;
  octets_ -= taken.octets;
  served_last_ = lane->first;
  if (lane->second.empty()) {
    lanes_.erase(lane);
  }
  return taken;
}

std::vector<waiting_record> commit_queue::take_group(group_limits limits) {
  std::vector<waiting_record> group;
  std::size_t octets = 0;
  while (!empty() && group.size() < limits.records) {
    const auto lane = next_lane();
    const std::size_t more = lane->second.front().octets;
    // The lane whose record does not fit is first in the next group: its turn is not taken.
    if (!group.empty() && octets + more > limits.octets) {
      break;
    }
    octets += more;
    group.push_back(pop(lane));
  }
  return group;
}

std::vector<waiting_record> commit_queue::take_all() {
  return take_group({.octets = SIZE_MAX, .records = SIZE_MAX});
}

} // namespace homeward::journal
