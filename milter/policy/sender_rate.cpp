#include "milter/policy/sender_rate.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace homeward::milter {

namespace {

// A token that came together from parts may lack a rounding error.
constexpr double one_token = 1 - 1e-6;

double tokens_gained(const rate_limit& limit, steady_time since, steady_time now) {
  const std::chrono::duration<double> passed = now - since;
  const std::chrono::duration<double> period = limit.period;
  return static_cast<double>(limit.recipients) * (passed / period);
}

} // namespace

sender_rate::sender_rate(const clock_source& clock, rate_limit limit)
    : clock_(clock), limit_(std::move(limit)) {}

bool sender_rate::allow(const rated_sender& who) {
  const std::lock_guard lock(mutex_);
  if (limit_.recipients == 0 || (limit_.only_authenticated && !who.authenticated) ||
      (limit_.exempt && limit_.exempt(who.client_address))) {
    return true;
  }
  const steady_time now = clock_.steady_now();
  bucket& b = bucket_of(rate_key(who.sender, who.client_address), now);
  b.tokens = std::min(b.tokens + tokens_gained(limit_, b.filled_at, now),
                      static_cast<double>(limit_.recipients));
  b.filled_at = now;
  if (b.tokens < one_token) {
    return false;
  }
  b.tokens = std::max(b.tokens - 1, 0.0);
  return true;
}

void sender_rate::set_limit(rate_limit limit) {
  const std::lock_guard lock(mutex_);
  limit_ = std::move(limit);
  forget_beyond_bound();
}

std::size_t sender_rate::senders() const {
  const std::lock_guard lock(mutex_);
  return by_sender_.size();
}

// The bucket moves to the front: the back of the list was idle longest.
sender_rate::bucket& sender_rate::bucket_of(std::string key, steady_time now) {
  if (const auto known = by_sender_.find(key); known != by_sender_.end()) {
    recent_first_.splice(recent_first_.begin(), recent_first_, known->second);
    return *known->second;
  }
  recent_first_.push_front({.sender = std::move(key),
                            .tokens = static_cast<double>(limit_.recipients),
                            .filled_at = now});
  by_sender_.emplace(recent_first_.front().sender, recent_first_.begin());
  forget_beyond_bound();
  return recent_first_.front();
}

void sender_rate::forget_beyond_bound() {
  while (recent_first_.size() > std::max<std::size_t>(limit_.senders, 1)) {
    by_sender_.erase(recent_first_.back().sender);
    recent_first_.pop_back();
  }
}

std::string rate_key(std::string_view sender, std::string_view client_address) {
  if (sender.empty()) {
    return fmt::format("<>{}", client_address);
  }
  std::string key;
  std::transform(sender.begin(), sender.end(), std::back_inserter(key), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return key;
}

} // namespace homeward::milter
