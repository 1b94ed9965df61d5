#pragma once
// One partition: a directory tree of Maildirs on one volume, opened once, beneath which everything
// happens. stored opens its partitions at start; the bridge opens `path` homes. A partition that is
// missing, foreign, misnamed or read-only is a transient failure with advice: the mail waits, an
// operator looks. Nothing here ever makes a tree where the volume should have been mounted.

#include <string>
#include <string_view>

#include "lib/base/clock.hpp"
#include "lib/base/failure.hpp"
#include "lib/fs/file_system.hpp"
#include "lib/maildir/identity.hpp"

namespace homeward::maildir {

struct new_partition {
  std::string name;
  std::string path_template = std::string(default_path_template);
  // Accept a directory that holds something already (an existing Maildir tree that fits
  // the template).
  bool adopt_existing = false;
};

// Threads: reading and check() from any thread. Move-only. `files` must outlive it.
class partition {
 public:
  // A partition with its identity file. Transient failure (no_partition) when the directory or
  // the identity is missing, unreadable or carries another name; (temp) when the volume is
  // read-only or faulty.
  [[nodiscard]] static result<partition>
  open(fs::file_system& files, std::string_view absolute_path, std::string_view expected_name);

  // A directory without identity file, for `path` homes (yesterday's shared tree). `name` is for
  // messages only. Maildirs are never made in it: a mailbox without one is a transient failure,
  // because an unmounted volume would look exactly like that.
  [[nodiscard]] static result<partition> open_plain(fs::file_system& files,
                                                    std::string_view absolute_path,
                                                    std::string_view name,
                                                    const path_template& paths);

  // Makes an existing directory a partition: writes the identity file, durably. Refuses one
  // that has an identity already, and one that is not empty unless told to adopt it
  // ("lost+found" does not count).
  [[nodiscard]] static result<identity> initialise(fs::file_system& files,
                                                   std::string_view absolute_path,
                                                   const new_partition& wanted, wall_time now);

  // Is it still the same, at the same path, and writable? For health checks: a volume may have been
  // unmounted or turned read-only after open().
  [[nodiscard]] result<void> check() const;
  // Room on its volume.
  [[nodiscard]] result<fs::volume_space> space() const;

  [[nodiscard]] const std::string& name() const { return identity_.name; }
  [[nodiscard]] const std::string& id() const { return identity_.id; } // empty for a plain one
  [[nodiscard]] const std::string& path() const { return path_; }      // absolute, for messages
  [[nodiscard]] const path_template& paths() const { return identity_.paths; }
  [[nodiscard]] bool makes_maildirs() const { return makes_maildirs_; }
  [[nodiscard]] fs::file_system& files() const { return *files_; }
  [[nodiscard]] const fs::handle& root() const { return root_; }

 private:
  partition(fs::file_system& files, std::string path, fs::handle root, identity i,
            bool makes_maildirs);

  fs::file_system* files_;
  std::string path_;
  fs::handle root_;
  identity identity_;
  bool makes_maildirs_;
};

} // namespace homeward::maildir
