#include "lib/fs/real_file_system.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <memory>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/base/sabotage.hpp"
#include "lib/fs/names.hpp"
#include "lib/fs/volume_instance.hpp"

namespace homeward::fs {

namespace {

constexpr mode_t directory_mode = 0700;
constexpr mode_t file_mode = 0600;
constexpr std::size_t max_pieces = 64; // per pwritev; the callers give two or three

io_error failed(const char* operation) {
  return {errno, operation};
}

// Repeats a call that a signal interrupted.
template <class Call>
auto uninterrupted(Call call) {
  auto value = call();
  while (value < 0 && errno == EINTR) {
    value = call();
  }
  return value;
}

template <class Call>
io_result<void> done(const char* operation, Call call) {
  if (uninterrupted(call) < 0) {
    return failed(operation);
  }
  return {};
}

// A view with the terminating NUL that the kernel wants, without the heap.
class c_string {
 public:
  explicit c_string(std::string_view text) : fits_(text.size() < buffer_.size()) {
    if (fits_) {
      std::memcpy(buffer_.data(), text.data(), text.size());
      buffer_[text.size()] = '\0';
    }
  }
  [[nodiscard]] bool fits() const { return fits_; }
  [[nodiscard]] const char* get() const { return buffer_.data(); }

 private:
  std::array<char, 4096> buffer_; // PATH_MAX
  bool fits_;
};

// Runs `call` with `name` as a C string, after the check that it is one component.
template <class Call>
io_result<void> with_name(const char* operation, std::string_view name, Call call) {
  if (!is_name(name)) {
    return io_error{EINVAL, operation};
  }
  const c_string text(name);
  if (!text.fits()) {
    return io_error{ENAMETOOLONG, operation};
  }
  return done(operation, [&] { return call(text.get()); });
}

entry_kind kind_of(mode_t mode) {
  if (S_ISREG(mode)) {
    return entry_kind::file;
  }
  return S_ISDIR(mode) ? entry_kind::directory : entry_kind::other;
}

file_status status_of(const struct stat& s) {
  return {.kind = kind_of(s.st_mode),
          .size = static_cast<std::uint64_t>(s.st_size),
          .device = static_cast<std::uint64_t>(s.st_dev),
          .inode = static_cast<std::uint64_t>(s.st_ino),
          .links = static_cast<std::uint32_t>(s.st_nlink),
          .owner = static_cast<std::uint32_t>(s.st_uid),
          .modified = static_cast<std::int64_t>(s.st_mtime)};
}

std::uint64_t flags_of(open_mode mode) {
  switch (mode) {
  case open_mode::directory: return O_RDONLY | O_DIRECTORY;
  case open_mode::read: return O_RDONLY | O_NONBLOCK;
  case open_mode::read_write: return O_RDWR | O_NONBLOCK;
  case open_mode::create_new: return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

// An xfs that shuts itself down after an error of its log lets a sync that is under way return 0
// for what it has just dropped (tests/crash/semantics shows it). Its fstat fails by then.
io_result<void> synced(const char* operation, int fd, int (*sync)(int)) {
  if (uninterrupted([&] { return sync(fd); }) < 0) {
    return failed(operation);
  }
  struct stat still_there {};
  return done(operation, [&] { return ::fstat(fd, &still_there); });
}

// On btrfs reserved space is for the first write only: overwriting is a copy to new space, unless
// the file was born without copy on write. Where this fails the reservation is as weak, no worse.
void overwrite_in_place(int fd) {
  struct statfs volume {};
  struct stat file {};
  int flags = 0;
  if (::fstatfs(fd, &volume) == 0 && volume.f_type == BTRFS_SUPER_MAGIC &&
      ::fstat(fd, &file) == 0 && file.st_size == 0 && ::ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
    flags |= FS_NOCOW_FL;
    (void)::ioctl(fd, FS_IOC_SETFLAGS, &flags);
  }
}

struct directory_closer {
  void operator()(DIR* d) const { ::closedir(d); }
};

} // namespace

io_result<handle> real_file_system::open_directory(std::string_view absolute_path) {
  if (!is_path(absolute_path) || absolute_path.front() != '/') {
    return io_error{EINVAL, "open directory"};
  }
  const c_string path(absolute_path);
  if (!path.fits()) {
    return io_error{ENAMETOOLONG, "open directory"};
  }
  const int fd =
      uninterrupted([&] { return ::open(path.get(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (fd < 0) {
    return failed("open directory");
  }
  return handle(*this, fd);
}

io_result<handle> real_file_system::open_at(const handle& directory, std::string_view path,
                                            open_mode mode) {
  if (!is_path(path)) {
    return io_error{EINVAL, "openat2"};
  }
  if (has_parent_component(path)) {
    return io_error{EXDEV, "openat2"};
  }
  const c_string text(path);
  if (!text.fits()) {
    return io_error{ENAMETOOLONG, "openat2"};
  }
  open_how how{};
  how.flags = flags_of(mode) | O_CLOEXEC | O_NOCTTY;
  how.mode = mode == open_mode::create_new ? file_mode : 0;
  if (!sabotage::is_on(sabotage::fault::s12_path_check_on_string_only)) {
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  }
  const long fd = uninterrupted(
      [&] { return ::syscall(SYS_openat2, directory.number(), text.get(), &how, sizeof how); });
  if (fd < 0) {
    return failed("openat2");
  }
  return handle(*this, static_cast<int>(fd));
}

io_result<handle> real_file_system::create_unnamed_at(const handle& directory) {
  const int fd = uninterrupted(
      [&] { return ::openat(directory.number(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, file_mode); });
  if (fd < 0) {
    // Old kernels and some network file systems know the flag's directory bit only.
    return io_error{errno == EISDIR || errno == EINVAL ? EOPNOTSUPP : errno, "open unnamed file"};
  }
  return handle(*this, fd);
}

io_result<void> real_file_system::link_at(const handle& file, const handle& directory,
                                          std::string_view name) {
  // The descriptor itself, since Linux 6.10 without a capability. Before that it is ENOENT, as for
  // a directory that was removed; then through its link in /proc, which costs a walk there.
  static std::atomic<bool> by_descriptor{true};
  if (by_descriptor) {
    const auto linked = with_name("linkat", name, [&](const char* text) {
      return ::linkat(file.number(), "", directory.number(), text, AT_EMPTY_PATH);
    });
    if (linked || linked.error().number != ENOENT) {
      return linked;
    }
  }
  std::array<char, 32> source{};
  std::snprintf(source.data(), source.size(), "/proc/self/fd/%d", file.number());
  const auto linked = with_name("linkat", name, [&](const char* text) {
    return ::linkat(AT_FDCWD, source.data(), directory.number(), text, AT_SYMLINK_FOLLOW);
  });
  if (linked) {
    by_descriptor = false;
  }
  return linked;
}

io_result<void> real_file_system::link_name_at(const handle& from_directory,
                                               std::string_view from_name,
                                               const handle& to_directory,
                                               std::string_view to_name) {
  if (!is_name(from_name)) {
    return io_error{EINVAL, "linkat"};
  }
  const std::string from(from_name);
  return with_name("linkat", to_name, [&](const char* to) {
    return ::linkat(from_directory.number(), from.c_str(), to_directory.number(), to, 0);
  });
}

io_result<void> real_file_system::rename_at(const handle& from_directory,
                                            std::string_view from_name, const handle& to_directory,
                                            std::string_view to_name, on_existing existing) {
  if (!is_name(from_name)) {
    return io_error{EINVAL, "renameat2"};
  }
  const std::string from(from_name);
  const unsigned flags = existing == on_existing::refuse ? RENAME_NOREPLACE : 0U;
  return with_name("renameat2", to_name, [&](const char* to) {
    return ::renameat2(from_directory.number(), from.c_str(), to_directory.number(), to, flags);
  });
}

io_result<void> real_file_system::unlink_at(const handle& directory, std::string_view name) {
  return with_name("unlinkat", name,
                   [&](const char* text) { return ::unlinkat(directory.number(), text, 0); });
}

io_result<void> real_file_system::make_directory_at(const handle& directory,
                                                    std::string_view name) {
  return with_name("mkdirat", name, [&](const char* text) {
    return ::mkdirat(directory.number(), text, directory_mode);
  });
}

io_result<void> real_file_system::remove_directory_at(const handle& directory,
                                                      std::string_view name) {
  return with_name("unlinkat", name, [&](const char* text) {
    return ::unlinkat(directory.number(), text, AT_REMOVEDIR);
  });
}

io_result<std::vector<directory_entry>> real_file_system::list(const handle& directory) {
  // A descriptor of its own: the position in the directory belongs to the open file.
  const int fd = uninterrupted(
      [&] { return ::openat(directory.number(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (fd < 0) {
    return failed("open directory");
  }
  const std::unique_ptr<DIR, directory_closer> stream(::fdopendir(fd));
  if (!stream) {
    const io_error e = failed("fdopendir");
    ::close(fd);
    return e;
  }
  std::vector<directory_entry> entries;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) {
      break;
    }
    directory_entry found{.name = entry->d_name};
    if (found.name == "." || found.name == "..") {
      continue;
    }
    if (entry->d_type == DT_UNKNOWN) {
      const auto s = status_at(directory, found.name);
      found.kind = s ? s->kind : entry_kind::other;
    } else {
      found.kind = kind_of(static_cast<mode_t>(DTTOIF(entry->d_type)));
    }
    entries.push_back(std::move(found));
  }
  if (errno != 0) {
    return failed("readdir");
  }
  return entries;
}

io_result<file_status> real_file_system::status(const handle& file) {
  struct stat s {};
  if (::fstat(file.number(), &s) < 0) {
    return failed("fstat");
  }
  return status_of(s);
}

io_result<file_status> real_file_system::status_at(const handle& directory, std::string_view name) {
  struct stat s {};
  const auto found = with_name("fstatat", name, [&](const char* text) {
    return ::fstatat(directory.number(), text, &s, AT_SYMLINK_NOFOLLOW);
  });
  if (!found) {
    return found.error();
  }
  return status_of(s);
}

io_result<volume_space> real_file_system::space(const handle& on_volume) {
  struct statvfs s {};
  if (uninterrupted([&] { return ::fstatvfs(on_volume.number(), &s); }) < 0) {
    return failed("fstatvfs");
  }
  return volume_space{.free = {s.f_bavail * s.f_frsize},
                      .total = {s.f_blocks * s.f_frsize},
                      .free_inodes = s.f_favail,
                      .total_inodes = s.f_files,
                      .read_only = (s.f_flag & ST_RDONLY) != 0};
}

io_result<std::size_t> real_file_system::read(const handle& file, std::uint64_t offset,
                                              std::span<char> into) {
  std::size_t total = 0;
  while (total < into.size()) {
    const ssize_t n = uninterrupted([&] {
      return ::pread(file.number(), into.data() + total, into.size() - total,
                     static_cast<off_t>(offset + total));
    });
    if (n < 0) {
      return failed("pread");
    }
    if (n == 0) {
      break;
    }
    total += static_cast<std::size_t>(n);
  }
  return total;
}

io_result<void> real_file_system::write(const handle& file, std::uint64_t offset,
                                        std::span<const std::string_view> pieces) {
  if (pieces.size() > max_pieces) {
    return io_error{EINVAL, "pwritev"};
  }
  std::array<iovec, max_pieces> vectors;
  std::size_t count = 0;
  for (const std::string_view piece : pieces) {
    if (!piece.empty()) {
      vectors[count++] = {.iov_base = const_cast<char*>(piece.data()), .iov_len = piece.size()};
    }
  }
  iovec* next = vectors.data();
  while (count > 0) {
    const ssize_t n = uninterrupted([&] {
      return ::pwritev(file.number(), next, static_cast<int>(count), static_cast<off_t>(offset));
    });
    if (n < 0) {
      return failed("pwritev");
    }
    offset += static_cast<std::uint64_t>(n);
    auto written = static_cast<std::size_t>(n);
    while (count > 0 && written >= next->iov_len) {
      written -= next->iov_len;
      ++next;
      --count;
    }
    if (count > 0) {
      next->iov_base = static_cast<char*>(next->iov_base) + written;
      next->iov_len -= written;
    }
  }
  return {};
}

io_result<void> real_file_system::truncate(const handle& file, std::uint64_t size) {
  return done("ftruncate", [&] { return ::ftruncate(file.number(), static_cast<off_t>(size)); });
}

io_result<void> real_file_system::allocate(const handle& file, std::uint64_t size) {
  overwrite_in_place(file.number());
  return done("fallocate",
              [&] { return ::fallocate(file.number(), 0, 0, static_cast<off_t>(size)); });
}

io_result<void> real_file_system::write_out(const handle& file) {
  return done("sync_file_range", [&] {
    return ::sync_file_range(file.number(), 0, 0,
                             SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                                 SYNC_FILE_RANGE_WAIT_AFTER);
  });
}

io_result<void> real_file_system::sync_data(const handle& file) {
  return synced("fdatasync", file.number(), ::fdatasync);
}

io_result<void> real_file_system::sync_all(const handle& file) {
  return synced("fsync", file.number(), ::fsync);
}

io_result<void> real_file_system::sync_file_system(const handle& on_volume) {
  return synced("syncfs", on_volume.number(), ::syncfs);
}

io_result<void> real_file_system::try_lock(const handle& file) {
  // Of the open file, not of the process: the classic lock would be lost when any other handle of
  // the process on that file is closed.
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  const auto locked = done("lock", [&] { return ::fcntl(file.number(), F_OFD_SETLK, &whole); });
  if (!locked && locked.error() == EACCES) { // what POSIX allows in place of EAGAIN
    return io_error{EWOULDBLOCK, "lock"};
  }
  return locked;
}

io_result<void> real_file_system::try_flock(const handle& file) {
  return done("flock", [&] { return ::flock(file.number(), LOCK_EX | LOCK_NB); });
}

io_result<std::string> real_file_system::instance(const handle& on_volume) {
  return volume_instance(on_volume.number());
}

void real_file_system::close(int number) noexcept {
  ::close(number);
}

} // namespace homeward::fs
