#pragma once
// How many recipients a sender may address in a time: one bucket of tokens for each sender, filled
// steadily. Off by default. Bounded: a flood of senders costs the memory of `senders` buckets, and
// pushes out those that were idle longest.
//
// Any thread: one short lock, nothing else.

#include <chrono>
#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "lib/base/clock.hpp"

namespace homeward::milter {

struct rate_limit {
  std::size_t recipients = 0;        // that a sender may address at once, and in `period`; 0: off
  std::chrono::seconds period{3600}; // in which an empty bucket fills
  std::size_t senders = 100'000;     // remembered at the same time

  friend bool operator==(const rate_limit&, const rate_limit&) = default;
};

class sender_rate {
 public:
  // `clock` must outlive it.
  explicit sender_rate(const clock_source& clock, rate_limit limit = {});

  // Takes a token for one recipient of `sender`; false when there is none: the sender is over its
  // rate. `sender` is the key of rate_key(). Always true when the limit is off.
  [[nodiscard]] bool allow(std::string_view sender);

  // Other numbers from now on; what senders have used up is kept.
  void set_limit(rate_limit limit);
  [[nodiscard]] std::size_t senders() const;

 private:
  struct bucket {
    std::string sender;
    double tokens = 0;
    steady_time filled_at{};
  };

  bucket& bucket_of(std::string_view sender, steady_time now);

  const clock_source& clock_;
  mutable std::mutex mutex_; // guards what follows
  rate_limit limit_;
  std::list<bucket> recent_first_;
  std::unordered_map<std::string_view, std::list<bucket>::iterator> by_sender_; // keys in the list
};

// Whose bucket it is: the sender's address in lower case, or for the null sender, whose name is
// everybody's, the client's address ("<>192.0.2.7").
[[nodiscard]] std::string rate_key(std::string_view sender, std::string_view client_address);

} // namespace homeward::milter
