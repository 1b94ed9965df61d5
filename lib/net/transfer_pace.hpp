#pragma once
// How long to wait for the next octets of a message, so that a peer that sends one octet a minute
// does not hold a session for ever (reliability promise 22). Pure; one strand.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "lib/base/byte_count.hpp"
#include "lib/base/clock.hpp"

namespace homeward::net {

class transfer_pace {
 public:
  // A message begins, or has ended.
  void reset() { since_.reset(); }
  void count(std::size_t octets) { octets_ += octets; }

  // The patience now: `block` for the next octets, but on the whole no longer than `block` plus
  // what the octets so far have earned at `rate` octets a second. A rate of 0 asks for nothing.
  [[nodiscard]] std::chrono::nanoseconds limit(steady_time now, std::chrono::nanoseconds block,
                                               byte_count rate) {
    if (!since_) {
      since_ = now;
      octets_ = 0;
    }
    if (rate.octets == 0) {
      return block;
    }
    const std::chrono::duration<double> earned(static_cast<double>(octets_) /
                                               static_cast<double>(rate.octets));
    const auto late =
        *since_ + block + std::chrono::duration_cast<std::chrono::nanoseconds>(earned);
    return std::clamp<std::chrono::nanoseconds>(late - now, std::chrono::nanoseconds(1), block);
  }

 private:
  std::optional<steady_time> since_;
  std::uint64_t octets_ = 0;
};

} // namespace homeward::net
