#pragma once
// The commit thread of one journal: takes whatever waits, writes it as one group, syncs once, tells
// everybody. A record is durable exactly when that sync has returned 0.
//
// One failed write or sync is the end: what it covered is answered as failed, nothing is tried
// again, in no other way either, and every later record fails at once. Only a restart, which looks
// at what is on the disk, goes on.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "lib/base/clock.hpp"
#include "lib/base/failure.hpp"
#include "lib/fs/file_system.hpp"

#include "stored/journal/commit_queue.hpp"
#include "stored/journal/segment_pool.hpp"
#include "stored/journal/settlements.hpp"

namespace homeward::journal {

// Since start, for the log and for people who watch.
struct writer_figures {
  std::uint64_t groups = 0;
  std::uint64_t records = 0;
  std::uint64_t octets = 0;                // as written, padding included
  std::chrono::nanoseconds syncing{};      // of all groups together
  std::chrono::nanoseconds longest_sync{}; // of one
  std::uint64_t waits_for_room = 0;        // times that no segment was unused
  std::size_t waiting = 0;                 // now
};

// What it works with; all of it must outlive the thread.
struct writer_surroundings {
  fs::file_system& files;
  const clock_source& clock;
  segment_pool& segments;
  settlements& open; // every record that is written is added, before anybody hears of it
  volume_id volume;
  fs::handle& directory;
};

// Safe from any thread.
class journal_writer {
 public:
  journal_writer(writer_surroundings with, record_number next_record, record_number checkpoint,
                 group_limits limits);
  // Stops without waiting.
  ~journal_writer();
  journal_writer(const journal_writer&) = delete;
  journal_writer& operator=(const journal_writer&) = delete;

  // `room_wanted` is called on the commit thread when it has to wait for a checkpoint; `died` once,
  // when the journal has failed.
  void start(std::function<void()> room_wanted, std::function<void(const failure&)> died);

  void append(const std::string& lane, waiting_record r);
  // An abort or a checkpoint: goes with the very next group, also while deliveries wait for room.
  void append_control(const record& r, committed tell);
  // Segments were retired, below this durable checkpoint.
  void room_made(record_number checkpoint);
  // All segments are in use: deliveries wait, and only the reserve for control records is left.
  [[nodiscard]] bool waits_for_room() const;

  // Ends the journal from outside: a checkpoint failed.
  void die(const failure& why);
  [[nodiscard]] std::optional<failure> dead() const;

  // Commits what waits, then ends the thread. False when it hangs in the kernel after `limit`: it
  // is left behind, and the process should end without destroying what it uses.
  [[nodiscard]] bool stop(std::chrono::nanoseconds limit);

  [[nodiscard]] writer_figures figures() const;
  [[nodiscard]] record_number next_record() const;

 private:
  struct state;
  std::shared_ptr<state> state_;
};

} // namespace homeward::journal
