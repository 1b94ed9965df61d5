#pragma once
// Which mount of a file system is this? Recovery has to know whether the page cache of the volume
// has lived on since a note was written, or whether a power cut, a reboot or an unmount may have
// thrown away what was not synced. No system call tells; the kernel gives it away in sysfs:
//
//   ext4, xfs  /sys/fs/<type>/<block device>   made when the superblock is mounted for the first
//   btrfs      /sys/fs/btrfs/<fsid>            time, removed when its last mount is gone
//
// Nodes of sysfs are numbered once per registration and boot, so the boot id with the number of
// that directory is the name of the instance. Bind mounts, mount namespaces and remounts are the
// same instance; so is a lazy unmount with files still open, and so is its page cache.

#include <string>

#include "lib/fs/io_result.hpp"

namespace homeward::fs {

// For an open file or directory (descriptor) of the volume. Empty for other file systems, without
// sysfs or /proc, and in any other case of doubt. Fails only with the errno of the descriptor
// itself. Needs no privilege. Any thread; blocks for as long as fstat does.
[[nodiscard]] io_result<std::string> volume_instance(int descriptor);

} // namespace homeward::fs
