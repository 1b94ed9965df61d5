#include "stored/delivery/identity_map.hpp"

#include <utility>

#include "lib/base/log.hpp"

namespace homeward::stored {

using store_protocol::message_name;
using store_protocol::outcome;
using store_protocol::stored_as;

namespace {
constexpr std::chrono::hours warn_every{1};
}

identity_map::identity_map(const clock_source& clock, identity_limits limits)
    : clock_(&clock), remembered_(limits) {}

claim identity_map::claim_or_join(const identity& id, const message_name& name,
                                  identity_waiter waiter) {
  const std::lock_guard lock(mutex_);
  if (const auto found = in_progress_.find(id); found != in_progress_.end()) {
    if (found->second.size() >= max_identity_waiters) {
      return {claim_result::crowded, {}};
    }
    found->second.push_back(std::move(waiter));
    return {claim_result::joined, {}};
  }
  if (const auto rest = remembered_.find(id, clock_->steady_now())) {
    return {claim_result::known, to_string(message_name{rest->seconds, name.key, rest->origin})};
  }
  in_progress_.emplace(id, waiters{});
  return {claim_result::mine, {}};
}

void identity_map::done(const identity& id, const message_name& name) {
  waiters told;
  bool warn = false;
  {
    const std::lock_guard lock(mutex_);
    const steady_time now = clock_->steady_now();
    remembered_.remember(id, name, now);
    told = end_claim(id);
    warn = must_warn(now);
  }
  if (warn) {
    log::warning("deliveries are forgotten before their age: a late repeat makes a second copy",
                 {{"next", "raise identities.memory"}});
  }
  const outcome shared = stored_as{.name = to_string(name), .repeat = true};
  for (const identity_waiter& tell : told) {
    tell(shared);
  }
}

// Once an hour while it goes on.
bool identity_map::must_warn(steady_time now) {
  if (remembered_.forgotten_early() == warned_of_ || (warned_ && now - *warned_ < warn_every)) {
    return false;
  }
  warned_of_ = remembered_.forgotten_early();
  warned_ = now;
  return true;
}

void identity_map::failed(const identity& id, const failure& why) {
  waiters told;
  {
    const std::lock_guard lock(mutex_);
    told = end_claim(id);
  }
  const outcome shared = why;
  for (const identity_waiter& tell : told) {
    tell(shared);
  }
}

identity_map::waiters identity_map::end_claim(const identity& id) {
  auto claimed = in_progress_.extract(id);
  return claimed ? std::move(claimed.mapped()) : waiters{};
}

void identity_map::restore(const identity& id, const message_name& name, steady_time when) {
  const std::lock_guard lock(mutex_);
  remembered_.remember(id, name, when);
}

void identity_map::set_limits(identity_limits limits) {
  const std::lock_guard lock(mutex_);
  remembered_.set_limits(limits);
}

identity_figures identity_map::figures() const {
  const std::lock_guard lock(mutex_);
  return {in_progress_.size(), remembered_.size(), remembered_.memory(),
          remembered_.forgotten_early()};
}

} // namespace homeward::stored
