#include "stored/journal/settlements.hpp"

namespace homeward::journal {

void settlements::add(std::size_t count) {
  const std::lock_guard lock(mutex_);
  settled_.insert(settled_.end(), count, false);
  open_ += count;
}

void settlements::settle(record_number n) {
  const std::lock_guard lock(mutex_);
  if (n < lowest_open_ || n - lowest_open_ >= settled_.size() || settled_[n - lowest_open_]) {
    return;
  }
  settled_[n - lowest_open_] = true;
  --open_;
  while (!settled_.empty() && settled_.front()) {
    settled_.pop_front();
    ++lowest_open_;
  }
}

record_number settlements::lowest_open() const {
  const std::lock_guard lock(mutex_);
  return lowest_open_;
}

std::size_t settlements::open() const {
  const std::lock_guard lock(mutex_);
  return open_;
}

} // namespace homeward::journal
