#include "lib/fs/volume_instance.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/magic.h>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <fmt/format.h>

namespace homeward::fs {

namespace {

// The beginning of a small file; empty when it cannot be read.
std::string read_word(const char* path) {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return {};
  }
  std::array<char, 64> octets{};
  const ssize_t n = ::read(fd, octets.data(), octets.size());
  ::close(fd);
  const std::string_view text(octets.data(), n > 0 ? static_cast<std::size_t>(n) : 0U);
  return std::string(text.substr(0, text.find('\n')));
}

// "vda1" for the device with this number; empty for one that is no block device.
std::string block_device_name(dev_t device) {
  const std::string link = fmt::format("/sys/dev/block/{}:{}", major(device), minor(device));
  std::array<char, 4096> target{};
  const ssize_t n = ::readlink(link.c_str(), target.data(), target.size());
  if (n <= 0 || static_cast<std::size_t>(n) == target.size()) {
    return {};
  }
  const std::string_view path(target.data(), static_cast<std::size_t>(n));
  return std::string(path.substr(path.rfind('/') + 1));
}

std::string btrfs_identifier(int descriptor) {
  btrfs_ioctl_fs_info_args info{};
  if (::ioctl(descriptor, BTRFS_IOC_FS_INFO, &info) < 0) {
    return {};
  }
  std::string text;
  for (std::size_t i = 0; i < std::size(info.fsid); ++i) {
    text += i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "";
    text += fmt::format("{:02x}", info.fsid[i]);
  }
  return text;
}

// The directory of the mounted file system in sysfs; empty when there is none.
std::string directory_in_sysfs(int descriptor, std::uint64_t type, dev_t device) {
  const char* kind = nullptr;
  std::string name;
  switch (type) {
  case EXT4_SUPER_MAGIC:
    kind = "ext4";
    name = block_device_name(device);
    break;
  case XFS_SUPER_MAGIC:
    kind = "xfs";
    name = block_device_name(device);
    break;
  case BTRFS_SUPER_MAGIC:
    kind = "btrfs";
    name = btrfs_identifier(descriptor);
    break;
  default: break;
  }
  return name.empty() ? std::string() : fmt::format("/sys/fs/{}/{}", kind, name);
}

// Whether the directory is one of sysfs itself, and not of something that was put over it.
bool is_sysfs(const std::string& path) {
  struct statfs volume {};
  return ::statfs(path.c_str(), &volume) == 0 && volume.f_type == SYSFS_MAGIC;
}

} // namespace

io_result<std::string> volume_instance(int descriptor) {
  struct stat file {};
  struct statfs volume {};
  if (::fstat(descriptor, &file) < 0 || ::fstatfs(descriptor, &volume) < 0) {
    return io_error{errno, "fstatfs"};
  }
  const std::string boot = read_word("/proc/sys/kernel/random/boot_id");
  const std::string directory =
      directory_in_sysfs(descriptor, static_cast<std::uint64_t>(volume.f_type), file.st_dev);
  struct stat registered {};
  if (boot.empty() || directory.empty() || !is_sysfs(directory) ||
      ::stat(directory.c_str(), &registered) < 0) {
    return std::string();
  }
  return fmt::format("{}/{}:{}/{}", boot, major(file.st_dev), minor(file.st_dev),
                     registered.st_ino);
}

} // namespace homeward::fs
