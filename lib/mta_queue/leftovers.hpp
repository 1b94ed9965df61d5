#pragma once
// Bodies without an envelope (a df whose qf, hf or Qf is not beside it), and which of them may go.
// sendmail never removes them. They are harmless, but for the room they take.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lib/base/failure.hpp"
#include "lib/fs/file_system.hpp"
#include "lib/mta_queue/queue_directory.hpp"

namespace homeward::mta_queue {

struct repair_options {
  // Only counts.
  bool dry_run = false;
  // Also removes bodies that nobody knows, when they are older than `orphan_age`: a message that is
  // being received has its df before its qf.
  bool remove_orphans = false;
  std::int64_t orphan_age = 86400; // seconds
  std::int64_t now = 0;            // seconds since 1970
  // Whether there is an envelope of this id in a queue directory besides those that are looked at:
  // a queue group on another file system has its bodies here. Asked before an orphan is removed.
  std::function<bool(const std::string& id)> is_known_elsewhere = {};
};

struct repair_report {
  std::uint64_t second_names = 0; // of a df: what a mover that died left behind; removed
  std::uint64_t orphans_removed = 0;
  std::uint64_t orphans_kept = 0;     // too young, or removing was not asked for
  std::uint64_t octets_freed = 0;     // of orphans; a second name takes no room
  std::vector<std::string> kept = {}; // paths of at most 20 kept orphans
};

// Looks through `directories` for them. A df that is the same file as the one in another of the
// directories, where its envelope lies, is the second name that a mover left behind which was
// killed; it is removed, with the lock of the job held. Safe while sendmail and movers are at work.
// Stops at the first error of the file system; what was removed by then stays removed.
[[nodiscard]] result<repair_report>
repair_leftovers(fs::file_system& files, const std::vector<queue_directory>& directories,
                 const repair_options& options);

} // namespace homeward::mta_queue
