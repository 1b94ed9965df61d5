#pragma once
// How many deliveries each mailbox has in hand, waiting or being filed, so that one flooded mailbox
// cannot take all the room of its partition.

#include <cstddef>
#include <mutex>
#include <string>
#include <unordered_map>

namespace homeward::stored {

// Safe from any thread.
class deliveries_in_hand {
 public:
  // False when `mailbox` has `limit` in hand already.
  [[nodiscard]] bool take(const std::string& mailbox, std::size_t limit) {
    const std::lock_guard lock(mutex_);
    std::size_t& count = counts_[mailbox];
    if (count >= limit) {
      return false;
    }
    ++count;
    return true;
  }

  void give_back(const std::string& mailbox) {
    const std::lock_guard lock(mutex_);
    const auto found = counts_.find(mailbox);
    if (found != counts_.end() && --found->second == 0) {
      counts_.erase(found);
    }
  }

 private:
  std::mutex mutex_; // guards the map
  std::unordered_map<std::string, std::size_t> counts_;
};

} // namespace homeward::stored
