#include "tests/crash/semantics/loop_volume.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <linux/loop.h>
#include <sched.h>
#include <stdexcept>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace homeward::test {

namespace {

// The shutdown of ext4 and xfs, in its form that leaves the log unflushed: what is not on the disk
// by then never gets there.
constexpr unsigned long shutdown_request = _IOR('X', 125, std::uint32_t);
constexpr std::uint32_t without_log_flush = 2;

// Runs a program without output; false if it fails or does not exist.
bool run(std::vector<std::string> words) {
  const pid_t child = ::fork();
  if (child == 0) {
    const int null = ::open("/dev/null", O_RDWR);
    ::dup2(null, 1);
    ::dup2(null, 2);
    std::vector<char*> arguments;
    for (std::string& word : words) {
      arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  int status = 0;
  return child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
}

void must(bool done, const std::string& step) {
  if (!done) {
    throw std::runtime_error(step + " failed: " + std::strerror(errno));
  }
}

// Mounts of this process are its own and end with it.
bool enter_own_namespace() {
  static const bool entered = ::unshare(CLONE_NEWNS) == 0 &&
                              ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  return entered;
}

bool kernel_knows(std::string_view type) {
  std::ifstream list("/proc/filesystems");
  std::string word;
  while (list >> word) {
    if (word == type) {
      return true;
    }
  }
  return run({"modprobe", "-q", std::string(type)});
}

} // namespace

const char* name_of(volume_type type) {
  switch (type) {
  case volume_type::ext4: return "ext4";
  case volume_type::xfs: return "xfs";
  case volume_type::btrfs: return "btrfs";
  }
  return "";
}

std::optional<std::string> loop_volume::why_not(volume_type type) {
  const std::string name = name_of(type);
  if (::geteuid() != 0) {
    return "needs root to mount a file system";
  }
  if (::access("/dev/loop-control", R_OK | W_OK) != 0) {
    return "needs loop devices";
  }
  if (!run({"which", "mkfs." + name})) {
    return "needs mkfs." + name + (type == volume_type::ext4 ? "" : ", package " + name + "progs");
  }
  if (!kernel_knows(name)) {
    return "this kernel has no " + name;
  }
  if (!enter_own_namespace()) {
    return "cannot have a mount namespace of its own";
  }
  return std::nullopt;
}

loop_volume::loop_volume(volume_type type, unsigned mebibytes) : type_(type) {
  const std::string image = scratch_.path() / "image";
  const unsigned smallest = type == volume_type::xfs ? 320 : 160;
  std::ofstream(image).close();
  std::filesystem::resize_file(image, std::uintmax_t{std::max(mebibytes, smallest)} << 20U);
  std::filesystem::create_directory(path());
  must(run({std::string("mkfs.") + name_of(type), "-q", image}), "mkfs");
  mount();
}

loop_volume::~loop_volume() {
  ::umount2(path().c_str(), MNT_DETACH);
}

void loop_volume::mount() {
  must(
      run({"mount", "-t", name_of(type_), "-o", "loop,noatime", scratch_.path() / "image", path()}),
      "mount");
}

void loop_volume::cut_power() {
  const int fd = ::open(path().c_str(), O_RDONLY | O_DIRECTORY);
  must(fd >= 0 && ::ioctl(fd, shutdown_request, &without_log_flush) == 0, "shutdown");
  ::close(fd);
  cut_ = true;
}

void loop_volume::use_direct_io() {
  struct stat s {};
  must(::stat(path().c_str(), &s) == 0, "stat");
  const int fd = ::open(("/dev/loop" + std::to_string(minor(s.st_dev))).c_str(), O_RDWR);
  must(fd >= 0 && ::ioctl(fd, LOOP_SET_DIRECT_IO, 1UL) == 0, "direct I/O");
  ::close(fd);
}

void loop_volume::restart() {
  const std::string image = scratch_.path() / "image";
  if (type_ == volume_type::btrfs) { // has no shutdown: its disk, as it is now, is copied aside
    must(run({"cp", "--sparse=always", image, image + ".cut"}), "copying the image");
    must(::umount(path().c_str()) == 0, "umount");
    std::filesystem::rename(image + ".cut", image);
  } else {
    if (!cut_) {
      cut_power();
    }
    must(::umount(path().c_str()) == 0, "umount");
  }
  cut_ = false;
  mount();
}

} // namespace homeward::test
