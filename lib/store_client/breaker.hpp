#pragma once
// Decides when a store is taken for down: after some faults in a row mail for it is refused at once
// instead of waiting for time-outs, until a probe succeeds. Probes are spaced with doubling,
// jittered delays, so that a returning store is not trampled. Pure; not thread-safe: the pool
// guards it.

#include <chrono>

namespace homeward::store_client {

struct breaker_limits {
  unsigned faults_to_open = 3;                 // in a row
  std::chrono::milliseconds first_delay{1000}; // before the first probe, before jitter
  std::chrono::milliseconds longest_delay{30'000};
};

class breaker {
 public:
  explicit breaker(const breaker_limits& limits = {}) : limits_(limits) {}

  [[nodiscard]] bool is_open() const { return open_; }

  // A transaction or probe got an answer, whatever it said.
  void succeeded();
  // No connection, or one lost or silent. True when this one opened the breaker: start probing.
  [[nodiscard]] bool failed();

  // How long to wait before the next probe: half of the current delay plus a random part of the
  // other half. `random_unit` is uniform in [0, 1]. Doubles the delay for the next call.
  [[nodiscard]] std::chrono::milliseconds next_probe_delay(double random_unit);

 private:
  breaker_limits limits_;
  unsigned faults_in_a_row_ = 0;
  bool open_ = false;
  std::chrono::milliseconds delay_{0};
};

} // namespace homeward::store_client
