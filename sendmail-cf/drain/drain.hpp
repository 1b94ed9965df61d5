#pragma once
// Empties an old queue: takes it apart into batches, each in a queue directory of its own, lets a
// runner work on several at once, and puts back what could not be delivered. Every job is tried
// once. sendmail daemons may work on the old queue and on the batches meanwhile.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "lib/base/failure.hpp"
#include "lib/fs/file_system.hpp"

#include "sendmail-cf/tool/skipped_jobs.hpp"

namespace homeward::sendmail_cf {

struct drain_options {
  std::string from;                        // pattern of directories
  std::string work;                        // where the batches are made: on the same file system
  std::uint64_t batch = 300;               // jobs
  std::uint64_t parallel = 4;              // batches at once
  std::optional<std::uint64_t> limit = {}; // jobs in all
  std::int64_t now = 0;                    // seconds since 1970
  std::uint32_t runner = 0;                // uid
};

// What the world outside the file system does for a drain.
struct drain_world {
  // Starts a runner over the directory; names it.
  std::function<result<pid_t>(const std::string& directory)> start;
  // Its exit status once it has ended.
  std::function<std::optional<int>(pid_t)> ended;
  // Asks it to end soon.
  std::function<void(pid_t)> stop;
  std::function<void()> pause;          // a moment
  std::function<bool()> is_interrupted; // somebody wants the drain to end
};

struct drain_report {
  std::uint64_t waiting = 0; // in the old queue at the beginning
  std::uint64_t resumed = 0; // jobs in batches that an earlier drain left
  std::uint64_t batches = 0;
  std::uint64_t tried = 0;     // jobs that were in a batch
  std::uint64_t delivered = 0; // of them: gone from the queue, delivered or returned
  std::uint64_t put_back = 0;  // what was left, with new bounces
  std::uint64_t locked = 0;    // in the old queue: somebody else is at work on them
  std::uint64_t running = 0;   // batches at work now
  skipped_jobs skipped;
  std::vector<std::string> kept = {}; // batches that are not empty, and stay
  std::vector<failure> failures = {};
  std::optional<int> runner_status = {}; // of a runner that failed and delivered nothing
  bool interrupted = false;
};

// One drain, until the old queue has been tried once. `on_progress` is called when something
// changed. The failure is that it could not begin.
[[nodiscard]] result<drain_report>
drain(fs::file_system& files, const drain_options& options, const drain_world& world,
      const std::function<void(const drain_report&)>& on_progress);

// What a drain would find: jobs, by directory; batches of an earlier one.
struct drain_plan {
  std::vector<std::pair<std::string, std::uint64_t>> from;
  std::vector<std::pair<std::string, std::uint64_t>> left;
  std::uint64_t jobs = 0;
};
[[nodiscard]] result<drain_plan> plan_drain(fs::file_system& files, const drain_options& options);

} // namespace homeward::sendmail_cf
