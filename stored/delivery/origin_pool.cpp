#include "stored/delivery/origin_pool.hpp"

namespace homeward::stored {

origin_pool::number origin_pool::take(std::string_view origin_text) {
  std::string text(origin_text);
  if (const auto found = numbers_.find(text); found != numbers_.end()) {
    ++origins_[found->second].users;
    return found->second;
  }
  if (unused_.empty()) {
    unused_.push_back(static_cast<number>(origins_.size()));
    origins_.emplace_back();
  }
  const number n = unused_.back();
  unused_.pop_back();
  octets_ += 2 * text.size() + overhead;
  numbers_.emplace(text, n);
  origins_[n] = {std::move(text), 1};
  return n;
}

void origin_pool::release(number n) {
  origin& o = origins_[n];
  if (--o.users > 0) {
    return;
  }
  octets_ -= 2 * o.text.size() + overhead;
  numbers_.erase(o.text);
  o.text = std::string();
  unused_.push_back(n);
}

} // namespace homeward::stored
