#pragma once
// What one `homewardctl mta` works with: the settings, the MTA, the backups under their lock.

#include <memory>
#include <string>

#include "lib/base/failure.hpp"
#include "lib/fs/real_file_system.hpp"

#include "admin/mta/backup.hpp"
#include "admin/mta/command.hpp"
#include "admin/mta/driver.hpp"
#include "admin/mta/settings.hpp"
#include "admin/session.hpp"

namespace homeward::admin::mta {

// The settings of the file, or what is wrong with it. With `or_defaults` a file that is not there
// is no fault: taking back must not depend on it.
[[nodiscard]] result<settings> read_settings(const command_options& o, bool or_defaults);

// Homeward's directory as the session names it.
[[nodiscard]] user_directory directory_of(session& s);

// Holds the lock from open() until it is destroyed; then the staging directory is gone.
class work_place {
 public:
  explicit work_place(settings s);
  work_place(const work_place&) = delete;
  work_place& operator=(const work_place&) = delete;
  ~work_place();

  // Takes the lock.
  [[nodiscard]] result<void> open();
  [[nodiscard]] result<std::string> staging();

  [[nodiscard]] fs::file_system& files() { return files_; }
  [[nodiscard]] backup_store& store() { return store_; }
  [[nodiscard]] const settings& chosen() const { return settings_; }

 private:
  settings settings_;
  fs::real_file_system files_;
  backup_store store_;
  fs::handle lock_;
  std::string staging_;
};

} // namespace homeward::admin::mta
