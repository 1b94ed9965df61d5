#pragma once
// What was there before an apply, so that it can be put back: one directory for each apply, with a
// manifest, every file as it was and as it became, and how far the apply got. The manifest is the
// journal of intent: it is synced before the first file is touched, and whoever comes after a crash
// finds in it what to put back.
//
//   /var/lib/homeward/mta-backups/20261120T173400Z/manifest.json
//                                                 /before.0  /after.0  /before.1 ...

#include <string>
#include <vector>

#include "lib/base/failure.hpp"
#include "lib/fs/file_system.hpp"

#include "admin/mta/file_image.hpp"
#include "admin/mta/plan.hpp"

namespace homeward::admin::mta {

// How far an apply got. Written to disk by name.
enum class backup_state : unsigned char {
  applying,     // files may be new or old: has to be put back
  applied,      // all is new and was verified
  rolling_back, // files may be new or old: has to be put back
  rolled_back,  // all is as before
};
[[nodiscard]] std::string name_of(backup_state state);

struct saved_file {
  std::string path;
  bool derived = false;
  file_image before; // `exists` false: apply made the file
  file_image after;
};

// A directory in which files were replaced: its times, for those who compare trees.
struct touched_directory {
  std::string path;
  file_time before;
  file_time after;
};

struct backup {
  std::string name; // time of the apply, UTC
  backup_state state = backup_state::applying;
  mta_kind mta = mta_kind::postfix;
  std::string configuration;
  std::vector<saved_file> files;        // in the order in which they were put in place
  std::vector<std::string> directories; // made by the apply, outer ones first
  std::vector<touched_directory> touched;
};

// The backups of one host. Needs root, as the files themselves do. One thread.
class backup_store {
 public:
  backup_store(fs::file_system& files, std::string directory)
      : files_(&files), directory_(std::move(directory)) {}

  // Makes the directory (mode 0700) and holds its lock until the handle is closed; a transient
  // failure when another homewardctl has it. Removes staging directories that a crash left.
  [[nodiscard]] result<fs::handle> lock();
  // An empty directory below it, mode 0755; the holder of the lock removes it.
  [[nodiscard]] result<std::string> staging();

  // Writes all files of a new backup, then its manifest; durable when it returns.
  [[nodiscard]] result<void> create(const backup& b);
  // Writes the manifest anew: the state, and the times of directories.
  [[nodiscard]] result<void> update(const backup& b);
  // A backup with all its files. Failures when it is damaged: a hash differs, a file is missing.
  [[nodiscard]] result<backup> load(const std::string& name);
  // All of them without the octets, the oldest first. What has no manifest yet is not one.
  [[nodiscard]] result<std::vector<backup>> list();
  // A name that is not taken: the present time.
  [[nodiscard]] std::string new_name() const;
  [[nodiscard]] const std::string& directory() const { return directory_; }

 private:
  [[nodiscard]] result<backup> read_manifest(const std::string& name);
  [[nodiscard]] std::string place_of(const std::string& name) const {
    return directory_ + '/' + name;
  }

  fs::file_system* files_;
  std::string directory_;
};

} // namespace homeward::admin::mta
