#pragma once
// Decides whether a mailbox has room for a message, and has mailboxes counted for it. The rule is
// usage_table's; here are the lock, the counting in the background, and those who wait for it.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "lib/base/clock.hpp"
#include "lib/base/failure.hpp"
#include "lib/maildir/partition.hpp"
#include "lib/store_protocol/usage.hpp"

#include "stored/quota/usage_table.hpp"

namespace homeward::stored {

class quota_keeper;

// Where a mailbox lies, as far as counting needs to know.
struct counted_place {
  std::shared_ptr<const maildir::partition> where;
  std::uint64_t device = 0; // of its volume
};

// Runs the task on a thread that may block, bounded for each partition. A mailbox that somebody
// waits for is urgent. Fails when too many wait already; then the task is never run.
enum class urgency : unsigned char { now, some_time };
using run_count =
    std::function<result<void>(const counted_place&, urgency, std::function<void()> task)>;

// Room in a mailbox that is kept for one message until this ends. Empty for a mailbox without
// limit. Move-only; the keeper must outlive it.
class promised_room {
 public:
  promised_room() = default;
  promised_room(promised_room&& other) noexcept { *this = std::move(other); }
  promised_room& operator=(promised_room&& other) noexcept;
  promised_room(const promised_room&) = delete;
  promised_room& operator=(const promised_room&) = delete;
  ~promised_room() { end({}); }

  // The message was stored, as a file of so many octets.
  void filed(std::uint64_t octets) { end(octets); }

 private:
  friend class quota_keeper;
  promised_room(quota_keeper& keeper, const wanted_room& wanted);
  void end(std::optional<std::uint64_t> filed) noexcept;

  quota_keeper* keeper_ = nullptr;
  std::string partition_;
  std::string mailbox_;
  std::string name_;
};

struct room_verdict {
  room is = room::granted;
  promised_room promise; // when granted
  failure why;           // when over or taken: for the peer, and for the log
};

// Safe from any thread. Nothing here waits for a disk.
class quota_keeper {
 public:
  // Mail waits no longer for accounting; then it is let in uncounted.
  static constexpr std::chrono::seconds longest_wait{5};

  quota_keeper(const clock_source& clock, const quota_limits& limits, run_count run);
  ~quota_keeper(); // stops
  quota_keeper(const quota_keeper&) = delete;
  quota_keeper& operator=(const quota_keeper&) = delete;

  // Takes new limits; what is known stays known.
  void set_limits(const quota_limits& limits);
  // Drops who waits and ends the thread that looks after patience; later questions are answered
  // as if nothing could be counted.
  void stop();

  // `is_last_word`: it was counted first, as well as that could be done; do not say so again.
  [[nodiscard]] room_verdict ask(const counted_place& place, const wanted_room& wanted,
                                 bool is_last_word);
  // Calls `then` once, on a thread that must not be held up, when every one of `mailboxes` was
  // counted or `patience` is over. stop() destroys it uncalled.
  void count_then(const counted_place& place, const std::vector<std::string>& mailboxes,
                  std::chrono::nanoseconds patience, std::function<void()> then);

  // The answer to FULL for one partition. Figures that have grown old are counted again in the
  // background, so that a mailbox whose user has made room does not stay on the list only because
  // front ends send it no more mail.
  [[nodiscard]] std::vector<store_protocol::mailbox_usage> nearly_full(const counted_place& place,
                                                                       std::size_t most);

  // What is known of a mailbox now.
  [[nodiscard]] std::optional<mailbox_content> known(const mailbox_key& key) const;

 private:
  friend class promised_room;
  struct waiter {
    std::size_t open = 0;       // mailboxes that are not counted yet
    std::function<void()> then; // empty once it was called
  };
  using waiter_pointer = std::shared_ptr<waiter>;

  void settle(const mailbox_key& key, std::string_view name, std::optional<std::uint64_t> filed);
  void start_count(const counted_place& place, const std::string& mailbox, urgency how);
  void count(const counted_place& place, const std::string& mailbox);
  [[nodiscard]] std::vector<std::function<void()>> counted(const std::string& key);
  void watch_patience();

  const clock_source* clock_;
  const run_count run_;

  mutable std::mutex mutex_; // guards all below
  usage_table table_;
  std::unordered_map<std::string, std::vector<waiter_pointer>> waiting_; // by partition and mailbox
  std::multimap<steady_time, waiter_pointer> by_time_;                   // when they give up
  std::condition_variable changed_;
  std::thread watcher_; // of patience; begins with the first waiter
  bool stopping_ = false;
};

} // namespace homeward::stored
