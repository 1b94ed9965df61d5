#pragma once
// A real file system in an image file, whose power a test can cut. Needs root and loop devices;
// lives in a mount namespace of the test process, so that nothing stays mounted whatever happens.

#include <filesystem>
#include <optional>
#include <string>

#include "tests/unit/fs/temporary_directory.hpp"

namespace homeward::test {

enum class volume_type { ext4, xfs, btrfs };

[[nodiscard]] const char* name_of(volume_type type);

class loop_volume {
 public:
  // Why there can be no such volume on this machine; nothing if there can.
  [[nodiscard]] static std::optional<std::string> why_not(volume_type type);

  // Makes and mounts it (`mebibytes` 0: as small as it can be, the image is sparse); throws
  // std::runtime_error when a step fails.
  explicit loop_volume(volume_type type, unsigned mebibytes = 0);
  ~loop_volume();
  loop_volume(const loop_volume&) = delete;
  loop_volume& operator=(const loop_volume&) = delete;

  [[nodiscard]] std::filesystem::path path() const { return scratch_.path() / "mounted"; }

  // From now on nothing reaches the disk, and all calls fail: the moment of the cut. With ext4 and
  // xfs only; other threads may be at work on the volume.
  void cut_power();
  // The power comes back: unmounts (all handles must be closed) and mounts again, with the recovery
  // of the file system's own journal. Without cut_power() before, the cut happens now.
  void restart();
  // Past the page cache of the machine, as a disk of its own would be: for measurements.
  void use_direct_io();

 private:
  void mount();

  volume_type type_;
  temporary_directory scratch_;
  bool cut_ = false;
};

} // namespace homeward::test
