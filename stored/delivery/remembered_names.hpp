#pragma once
// The names of deliveries that are done, by identity: a first-in-first-out table bounded by age and
// by memory. At most 64 octets an entry; look-up and insertion in constant time.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "lib/base/byte_count.hpp"
#include "lib/base/clock.hpp"
#include "lib/store_protocol/transaction.hpp"

#include "stored/delivery/identity.hpp"
#include "stored/delivery/origin_pool.hpp"

namespace homeward::stored {

// How long and with how much memory. Whichever is reached first makes the oldest entries go.
struct identity_limits {
  std::chrono::seconds age =
      std::chrono::hours(24 * 7); // longer than any MTA keeps mail in its queue
  byte_count memory = byte_count{std::uint64_t{64} << 20U};
};

// Not thread-safe; its owner guards it. A time that goes backwards counts as no time passed.
class remembered_names {
 public:
  explicit remembered_names(identity_limits limits) : limits_(limits) {}

  // Without the key, which whoever asks knows: the pair of it.
  struct rest_of_name {
    std::uint64_t seconds = 0;
    std::string origin;
  };

  // An identity that is there already keeps its first name.
  void remember(const identity& id, const store_protocol::message_name& name, steady_time now);
  [[nodiscard]] std::optional<rest_of_name> find(const identity& id, steady_time now);

  void set_limits(identity_limits limits) { limits_ = limits; }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  // What the entries cost at most, which is what the limit is held against.
  [[nodiscard]] byte_count memory() const;
  // Entries that had to go before their age because the memory was used up: each is a delivery
  // whose repeat would be stored twice.
  [[nodiscard]] std::uint64_t forgotten_early() const { return forgotten_early_; }

 private:
  struct entry {
    identity id;
    std::uint64_t seconds;
    std::uint32_t when; // seconds since started_
    origin_pool::number origin;
  };
  // Entries are numbered from 1 in the order in which they came; the index holds the numbers by
  // hash, with linear probing, 0 for an empty place.
  using entry_number = std::uint64_t;
  // The index is between a quarter and a half full.
  static constexpr std::size_t entry_cost = sizeof(entry) + 4 * sizeof(entry_number);

  [[nodiscard]] const entry& at(entry_number n) const { return entries_[n - first_]; }
  [[nodiscard]] std::size_t home(const identity& id) const;
  [[nodiscard]] std::size_t place_of(const identity& id) const; // of the entry, or the empty place
  void grow_index();
  void close_gap(std::size_t empty);
  void drop_oldest();
  void drop_expired(steady_time now);
  [[nodiscard]] std::uint32_t age_of_table(steady_time now);

  identity_limits limits_;
  std::optional<steady_time> started_; // the time of the first call
  std::deque<entry> entries_;
  entry_number first_ = 1;
  std::vector<entry_number> index_; // a power of two, at most half full
  origin_pool origins_;
  std::uint64_t forgotten_early_ = 0;
};

} // namespace homeward::stored
