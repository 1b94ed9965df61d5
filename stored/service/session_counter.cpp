#include "stored/service/session_counter.hpp"

namespace homeward::stored {

result<std::shared_ptr<void>> session_counter::enter(const std::string& address,
                                                     const session_limits& limits) {
  const std::lock_guard lock(mutex_);
  if (total_ >= limits.total) {
    return transient_failure("too many connections", {}, "If this lasts, raise limits.sessions.");
  }
  if (!address.empty()) {
    std::size_t& here = by_address_[address];
    if (here >= limits.per_peer) {
      return transient_failure("too many connections from this address", {},
                               "If this lasts, raise limits.sessions_per_peer.");
    }
    ++here;
  }
  ++total_;
  return std::shared_ptr<void>(nullptr, [this, address](void*) { leave(address); });
}

void session_counter::leave(const std::string& address) {
  const std::lock_guard lock(mutex_);
  --total_;
  const auto found = by_address_.find(address);
  if (found != by_address_.end() && --found->second == 0) {
    by_address_.erase(found);
  }
}

std::size_t session_counter::size() const {
  const std::lock_guard lock(mutex_);
  return total_;
}

} // namespace homeward::stored
