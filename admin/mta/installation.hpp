#pragma once
// Puts the files of a plan in place, and back. Every step is one that a crash may follow: what is
// half done is found in the backup's manifest and put back by the next apply or rollback.

#include <functional>
#include <string>
#include <vector>

#include "lib/base/failure.hpp"

#include "admin/mta/backup.hpp"
#include "admin/mta/plan.hpp"

namespace homeward::admin::mta {

// The changes of the plan that really are ones, compared with the files as they are now; reads the
// present files into a backup that is not written yet.
[[nodiscard]] result<backup> draft_backup(const plan& p, const std::string& name);

// Writes the backup (state applying), makes the directories and replaces the files, in order. After
// a failure restore() puts everything back.
[[nodiscard]] result<void> install(fs::file_system& files, backup_store& store, backup& b,
                                   const plan& p);

// Marks the backup as applied, with the times that the directories have now.
[[nodiscard]] result<void> settle(backup_store& store, backup& b);

// A file that is neither as the apply left it nor as it was before.
struct foreign_change {
  std::string path;
  std::string diff; // from what the apply wrote to what is there now
};
// What was changed since. Files made by postmap and makemap do not count.
[[nodiscard]] result<std::vector<foreign_change>> changed_since(const backup& b);

// Puts every file back as it was, the last one first, removes what the apply made, and marks the
// backup as rolled back. Directories that are no longer empty stay and are named in `left`.
[[nodiscard]] result<void> restore(fs::file_system& files, backup_store& store, backup& b,
                                   std::vector<std::string>& left);

} // namespace homeward::admin::mta
