#pragma once
// Keeps one partition of the settings open. A thread of its own looks at it every few seconds:
// opens it, refreshes the figures of its volume, and notices when it has gone, turned read-only, or
// hangs. Everybody else asks here and is answered from memory. A partition that is missing heals by
// itself when it comes back; its neighbours never notice. What the journal holds for a partition is
// filed before it counts as open.

#include <chrono>
#include <memory>
#include <string>

#include "lib/base/clock.hpp"
#include "lib/base/failure.hpp"
#include "lib/fs/file_system.hpp"
#include "lib/maildir/writer.hpp"

#include "stored/delivery/open_partition.hpp"
#include "stored/journal/journal_table.hpp"

namespace homeward::stored {

// Where it should be and how mail is filed there.
struct kept_partition {
  std::string name;
  std::string path; // absolute
  maildir::filing_settings filing;
  // The journals of this process; null: the partition has none, and filing has a recipe of its own.
  journal::journal_table* journals = nullptr;
  // A look at the partition that takes longer means that it hangs.
  std::chrono::seconds hangs_after{30};
};

// Safe from any thread.
class partition_keeper {
 public:
  // Nothing is opened yet. `files` and `clock` must outlive the thread; see stop().
  partition_keeper(fs::file_system& files, const clock_source& clock, kept_partition which);
  ~partition_keeper(); // stops without waiting
  partition_keeper(const partition_keeper&) = delete;
  partition_keeper& operator=(const partition_keeper&) = delete;

  // Starts the thread: a look at once, then one every `interval`.
  void start(std::chrono::nanoseconds interval);
  // From now on; the current wait ends early.
  void set_interval(std::chrono::nanoseconds interval);
  // Waits until the first look has ended, at most `limit`; true when the partition is open then.
  bool wait_for_first_look(std::chrono::nanoseconds limit) const;
  [[nodiscard]] bool has_looked() const;
  // The thread ends after the look it is at, if any; nobody waits for it.
  void ask_to_stop();
  // Ends the thread. False when it hangs in a look: it is left behind, and the process should end
  // without destroying what it uses.
  [[nodiscard]] bool stop(std::chrono::nanoseconds limit);

  // One look, on the calling thread; blocks. For the thread, and for tests.
  void look();

  // The partition if it is open and answers, else why not (transient).
  [[nodiscard]] result<std::shared_ptr<open_partition>> current() const;
  // As of the last look; zeros while it is not open.
  [[nodiscard]] fs::volume_space space() const;

  [[nodiscard]] const kept_partition& which() const;

 private:
  struct state;
  std::shared_ptr<state> state_;
};

} // namespace homeward::stored
