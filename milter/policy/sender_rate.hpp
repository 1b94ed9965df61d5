#pragma once
// How many recipients a sender may address in a time: one bucket of tokens for each sender, filled
// steadily. Off by default. Bounded: a flood of senders costs the memory of `senders` buckets, and
// pushes out those that were idle longest.
//
// Any thread: one short lock, nothing else.

#include <chrono>
#include <cstddef>
#include <functional>
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
  std::size_t senders = 100'000;     // remembered at the same time, at least 1
  bool only_authenticated = false;   // senders who did not log in are not counted
  // Clients that are not counted, by address. Empty: none.
  std::function<bool(std::string_view client_address)> exempt = {};
};

// Who sends, as an MTA tells it.
struct rated_sender {
  std::string_view sender;         // address of MAIL, without brackets; "" for the null sender
  std::string_view client_address; // "192.0.2.7"; "" when the MTA itself submits
  bool authenticated = false;
};

class sender_rate {
 public:
  // `clock` must outlive it.
  explicit sender_rate(const clock_source& clock, rate_limit limit = {});

  // Takes a token for one recipient; false when there is none: the sender is over its rate. Always
  // true when the limit is off or does not apply.
  [[nodiscard]] bool allow(const rated_sender& who);

  // Other numbers from now on; what senders have used up is kept.
  void set_limit(rate_limit limit);
  // Senders remembered now.
  [[nodiscard]] std::size_t senders() const;

 private:
  struct bucket {
    std::string sender;
    double tokens = 0;
    steady_time filled_at{};
  };
  using buckets = std::list<bucket>;

  bucket& bucket_of(std::string key, steady_time now);
  void forget_beyond_bound();

  const clock_source& clock_;
  mutable std::mutex mutex_; // guards what follows
  rate_limit limit_;
  buckets recent_first_;
  std::unordered_map<std::string_view, buckets::iterator> by_sender_; // keys are in the list
};

// Whose bucket it is: the sender's address in lower case, or for the null sender, whose name is
// everybody's, the client's address ("<>192.0.2.7").
[[nodiscard]] std::string rate_key(std::string_view sender, std::string_view client_address);

} // namespace homeward::milter
