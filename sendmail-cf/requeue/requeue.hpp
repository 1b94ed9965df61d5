#pragma once
// Moves the jobs that have waited too long from the queues of one tier to those of the next, while
// sendmail runs on both.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/failure.hpp"
#include "lib/fs/file_system.hpp"
#include "lib/mta_queue/leftovers.hpp"
#include "lib/mta_queue/queue_directory.hpp"

#include "sendmail-cf/tool/skipped_jobs.hpp"

namespace homeward::sendmail_cf {

struct requeue_options {
  std::string from; // patterns of directories
  std::string to;
  std::chrono::seconds older{0}; // since the message was accepted (the T line)
  bool dry_run = false;
  std::optional<std::uint64_t> limit = {};    // jobs to move at most
  bool repair = false;                        // remove old bodies without an envelope, too
  std::vector<std::string> other_queues = {}; // patterns whose jobs may have their bodies here
  std::int64_t now = 0;                       // seconds since 1970
  std::uint32_t runner = 0;                   // uid of the target's runner
};

// What became of one directory.
struct requeue_count {
  std::string directory;
  std::uint64_t waiting = 0; // when it was listed
  std::uint64_t moved = 0;
  std::uint64_t locked = 0;
  std::uint64_t young = 0;
  std::uint64_t gone = 0;
  std::uint64_t skipped = 0;
};

struct requeue_report {
  std::vector<requeue_count> from;
  std::vector<std::pair<std::string, std::uint64_t>> to; // directory, jobs that came
  skipped_jobs skipped;
  mta_queue::repair_report repair;
  std::vector<failure> failures = {}; // of the file system; after ten the run ends early
  bool limit_reached = false;

  // All directories together.
  [[nodiscard]] requeue_count total() const;
};

// One run. `on_progress` is called for every job with its number and how many there are. The
// failure is that the run could not begin; what goes wrong later is in the report.
[[nodiscard]] result<requeue_report>
requeue(fs::file_system& files, const requeue_options& options,
        const std::function<void(std::uint64_t, std::uint64_t)>& on_progress);

} // namespace homeward::sendmail_cf
