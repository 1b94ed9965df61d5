#pragma once
// The last good state of the directory on disk, for a start without the engine; private to
// lib/directory. A text file, so that a person can look into it; docs/format/directory.md, "The
// replica file". It is only a cache: whoever deletes it loses nothing but the ability to start
// while the directory is away.

#include <memory>
#include <string>

#include "lib/base/clock.hpp"
#include "lib/base/failure.hpp"
#include "lib/directory/replica.hpp"
#include "lib/fs/file_system.hpp"

namespace homeward::directory {

// Writes `file` (an absolute path): beside it, synced, then renamed over it.
[[nodiscard]] result<void> write_replica_file(fs::file_system& disk, const std::string& file,
                                              const replica_view& view, wall_time current_at);

struct saved_replica {
  std::shared_ptr<const replica_table> table;
  wall_time current_at; // when it was last known to equal the directory
};
// Reads it back. A failure for a file that is missing, cut short, or changed (checksum).
[[nodiscard]] result<saved_replica> read_replica_file(fs::file_system& disk,
                                                      const std::string& file);

} // namespace homeward::directory
