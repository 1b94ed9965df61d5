#include "stored/delivery/pending_delivery.hpp"

#include <utility>

namespace homeward::stored {

using store_protocol::outcome;

pending_delivery::pending_delivery(std::size_t recipients, delivery_completion completion)
    : completion_(std::move(completion)), outcomes_(recipients), open_(recipients) {}

bool pending_delivery::settle(std::size_t recipient, outcome o) {
  delivery_completion complete;
  {
    const std::lock_guard lock(mutex_);
    if (outcomes_[recipient]) {
      return false;
    }
    outcomes_[recipient] = std::move(o);
    if (--open_ > 0) {
      return true;
    }
    complete = std::move(completion_);
  }
  complete(take_outcomes());
  return true;
}

void pending_delivery::give_up(const failure& why) {
  delivery_completion complete;
  {
    const std::lock_guard lock(mutex_);
    if (open_ == 0) {
      return;
    }
    for (std::optional<outcome>& o : outcomes_) {
      if (!o) {
        o = why;
      }
    }
    open_ = 0;
    complete = std::move(completion_);
  }
  complete(take_outcomes());
}

// Only the thread that closed the last one comes here. The optionals stay filled: a late outcome
// still finds its place taken.
std::vector<outcome> pending_delivery::take_outcomes() {
  std::vector<outcome> all;
  all.reserve(outcomes_.size());
  for (std::optional<outcome>& o : outcomes_) {
    all.push_back(std::move(*o));
  }
  return all;
}

} // namespace homeward::stored
