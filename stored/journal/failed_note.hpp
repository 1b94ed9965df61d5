#pragma once
// The file "failed" in the journal directory: a write or a sync has failed, so what the page cache
// shows since the last checkpoint may not be on the disk. The next start then files all of it anew
// and removes the note. It need not be durable: a reboot empties the page cache too.

#include <cstdint>

#include "lib/base/clock.hpp"
#include "lib/base/failure.hpp"
#include "lib/fs/file_system.hpp"

#include "stored/journal/directory_layout.hpp"

namespace homeward::journal {

// As well as it can: the volume may be read-only by now, and then a remount is due anyway.
void leave_failed_note(fs::file_system& files, const fs::handle& directory, const failure& why,
                       wall_time now);
[[nodiscard]] result<bool> has_failed_note(fs::file_system& files, const fs::handle& directory);
// Durably; nothing to do when there is none.
[[nodiscard]] result<void> remove_failed_note(fs::file_system& files, const fs::handle& directory);

[[nodiscard]] std::uint64_t unix_seconds(wall_time t);

} // namespace homeward::journal
