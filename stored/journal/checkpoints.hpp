#pragma once
// The checkpoint thread of one journal: makes durable, with one sync of the whole volume, what was
// filed without a sync, says so in the journal, and gives segments back. At most one interval
// passes between the settling of a record and its checkpoint; a full journal asks for one earlier.

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "lib/base/clock.hpp"
#include "lib/fs/file_system.hpp"

#include "stored/journal/filed_marks.hpp"
#include "stored/journal/identity_log.hpp"
#include "stored/journal/journal_writer.hpp"
#include "stored/journal/recovery.hpp"

namespace homeward::journal {

// What it works with; all of it must outlive the thread.
struct checkpoint_surroundings {
  fs::file_system& files;
  const clock_source& clock;
  const fs::handle& directory; // open since before anything was written: its syncfs tells of errors
  segment_pool& segments;
  settlements& open;
  journal_writer& writer;
  filed_marks& marks;
  identity_log& identities;
  recovery& recovered;
  std::string instance; // of the volume, lib/fs
};

struct checkpoint_rhythm {
  std::chrono::nanoseconds interval{};
  std::chrono::nanoseconds park_after{}; // since start
  identity_retention identities;
};

struct checkpoint_figures {
  std::uint64_t checkpoints = 0;
  std::chrono::nanoseconds longest{};
  bool due = false; // something was settled or replayed since the last one
};

// Safe from any thread.
class checkpoints {
 public:
  checkpoints(checkpoint_surroundings with, checkpoint_rhythm rhythm);
  ~checkpoints(); // stops without waiting
  checkpoints(const checkpoints&) = delete;
  checkpoints& operator=(const checkpoints&) = delete;

  void start();
  // Something was settled: identities that go into the log with the next checkpoint.
  void add(std::span<const logged_identity> stored);
  // Now, please: a segment is full, or a partition was recovered.
  void ask();
  void set_rhythm(std::chrono::nanoseconds interval, identity_retention identities);
  [[nodiscard]] checkpoint_figures figures() const;

  // One more checkpoint, then the end; false when it hangs.
  [[nodiscard]] bool stop(std::chrono::nanoseconds limit);

 private:
  struct state;
  std::shared_ptr<state> state_;
};

} // namespace homeward::journal
