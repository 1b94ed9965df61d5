#include "milter/delegation/counted_messages.hpp"

#include <functional>
#include <string>

namespace homeward::milter::delegation {

namespace {

// A hash in place of the names: should two ever meet, one recipient goes uncounted.
std::uint64_t key_of(std::string_view instance, std::string_view recipient) {
  std::string both(instance);
  both += '\0';
  both += recipient;
  return std::hash<std::string>{}(both);
}

} // namespace

void counted_messages::remember(std::uint64_t key) {
  const std::lock_guard lock(mutex_);
  if (!keys_.insert(key).second) {
    return;
  }
  oldest_first_.push_back(key);
  if (oldest_first_.size() > longest_) {
    keys_.erase(oldest_first_.front());
    oldest_first_.pop_front();
  }
}

bool counted_messages::knows(std::uint64_t key) const {
  const std::lock_guard lock(mutex_);
  return keys_.contains(key);
}

void counted_messages::add(std::string_view instance, std::string_view recipient) {
  if (!instance.empty()) {
    remember(key_of(instance, {}));
    remember(key_of(instance, recipient));
  }
}

bool counted_messages::has(std::string_view instance, std::string_view recipient) const {
  return knows(key_of(instance, recipient));
}

bool counted_messages::has_any(std::string_view instance) const {
  return knows(key_of(instance, {}));
}

std::size_t counted_messages::size() const {
  const std::lock_guard lock(mutex_);
  return oldest_first_.size();
}

} // namespace homeward::milter::delegation
