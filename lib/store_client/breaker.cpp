#include "lib/store_client/breaker.hpp"

#include <algorithm>

namespace homeward::store_client {

void breaker::succeeded() {
  faults_in_a_row_ = 0;
  open_ = false;
}

bool breaker::failed() {
  ++faults_in_a_row_;
  if (open_ || faults_in_a_row_ < limits_.faults_to_open) {
    return false;
  }
  open_ = true;
  delay_ = limits_.first_delay;
  return true;
}

std::chrono::milliseconds breaker::next_probe_delay(double random_unit) {
  const auto half = delay_ / 2;
  const auto jitter = std::chrono::milliseconds(
      static_cast<std::int64_t>(static_cast<double>(half.count()) * random_unit));
  delay_ = std::min(delay_ * 2, limits_.longest_delay);
  return half + jitter;
}

} // namespace homeward::store_client
