#pragma once
// The identity store in memory. What it holds after a restart is what the journals fed it with at
// start (journal_records.hpp).

#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "lib/base/clock.hpp"

#include "stored/delivery/identity_store.hpp"
#include "stored/delivery/remembered_names.hpp"

namespace homeward::stored {

// What it holds now, for the log and the metrics.
struct identity_figures {
  std::size_t in_progress = 0;
  std::size_t remembered = 0;
  byte_count memory{};
  std::uint64_t forgotten_early = 0; // see remembered_names
};

// How many may wait for the outcome of one delivery. More come only when it hangs.
inline constexpr std::size_t max_identity_waiters = 16;

// Memory: what is remembered is bounded by the limits; what is in progress by whoever bounds
// deliveries.
class identity_map final : public identity_store {
 public:
  // `clock` must outlive it.
  identity_map(const clock_source& clock, identity_limits limits);

  [[nodiscard]] claim claim_or_join(const identity& id, const store_protocol::message_name& name,
                                    identity_waiter waiter) override;
  void done(const identity& id, const store_protocol::message_name& name) override;
  void failed(const identity& id, const failure& why) override;

  // Feeds what another memory knows, before deliveries to its mailbox; of `name` the key is not
  // looked at.
  void restore(const identity& id, const store_protocol::message_name& name, steady_time when);

  void set_limits(identity_limits limits);
  [[nodiscard]] identity_figures figures() const;

 private:
  using waiters = std::vector<identity_waiter>;
  [[nodiscard]] waiters end_claim(const identity& id);
  [[nodiscard]] bool must_warn(steady_time now);

  const clock_source* clock_;
  mutable std::mutex mutex_; // guards all below
  std::unordered_map<identity, waiters, identity_hash> in_progress_;
  remembered_names remembered_;
  std::uint64_t warned_of_ = 0; // entries forgotten early, as of the last warning
  std::optional<steady_time> warned_;
};

} // namespace homeward::stored
