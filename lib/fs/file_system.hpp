#pragma once
// The only door to open, write, sync and rename in the tree. Implementations: real_file_system (the
// kernel), forgetting_file_system (memory, loses in a crash what was not synced),
// faulty_file_system (wraps one of them and fails calls on purpose). docs/durability.md says what
// the code above relies on.
//
// Two rules keep every path inside the directory it started from:
//   - a *path* (open_at only) is relative, and is resolved beneath its directory without
//     following any symbolic link: one in the way is ELOOP, an attempt to leave is EXDEV;
//   - everywhere else a *name* is one component: no '/', not empty, no NUL, not "." or "..", else
//     EINVAL.
//
// All calls block. All are safe from any thread. Interrupted calls (EINTR) are repeated inside.
// Failures are the errno of the call. New directories get mode 0700, new files 0600.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/byte_count.hpp"
#include "lib/fs/handle.hpp"
#include "lib/fs/io_result.hpp"

namespace homeward::fs {

enum class open_mode : unsigned char {
  directory,  // an existing directory, to name things beneath it, to list or to sync it
  read,       // an existing file
  read_write, // an existing file
  create_new, // a file that must not exist yet (EEXIST), for reading and writing
};

enum class entry_kind : unsigned char { file, directory, other };

// What stat tells. `device` and `inode` together identify a file as long as it is open.
struct file_status {
  entry_kind kind = entry_kind::other;
  std::uint64_t size = 0; // octets
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint32_t links = 0;
  std::uint32_t owner = 0;   // user id
  std::int64_t modified = 0; // seconds since 1970: the last change of the content
};

struct directory_entry {
  std::string name;
  entry_kind kind = entry_kind::other;
};

// Room on a volume, as an unprivileged writer sees it.
struct volume_space {
  byte_count free;
  byte_count total;
  std::uint64_t free_inodes = 0; // 0 with total_inodes 0: this file system has no such limit
  std::uint64_t total_inodes = 0;
  bool read_only = false;
};

enum class on_existing : unsigned char {
  refuse,  // EEXIST; EINVAL where the file system cannot do it in one step (NFS)
  replace, // the old file is gone in the same step
};

class file_system {
 public:
  file_system() = default;
  file_system(const file_system&) = delete;
  file_system& operator=(const file_system&) = delete;
  virtual ~file_system() = default;

  // --- Opening ------------------------------------------------------------------------

  // The directory at an absolute path from the settings. The operator's own path may hold
  // symbolic links.
  [[nodiscard]] virtual io_result<handle> open_directory(std::string_view absolute_path) = 0;
  // Beneath `directory`; see the rules above.
  [[nodiscard]] virtual io_result<handle> open_at(const handle& directory, std::string_view path,
                                                  open_mode mode) = 0;
  // A file without a name on the directory's volume: gone when closed, unless link_at() names it.
  // EOPNOTSUPP where the file system cannot do it (NFS): stage it under a name then.
  [[nodiscard]] virtual io_result<handle> create_unnamed_at(const handle& directory) = 0;

  // --- Names: durable only after a sync -------------------------------------------------

  // Gives the open file the name; never replaces (EEXIST). ENOENT also when `directory`
  // was removed.
  [[nodiscard]] virtual io_result<void> link_at(const handle& file, const handle& directory,
                                                std::string_view name) = 0;
  // The same for a file that has a name already.
  [[nodiscard]] virtual io_result<void> link_name_at(const handle& from_directory,
                                                     std::string_view from_name,
                                                     const handle& to_directory,
                                                     std::string_view to_name) = 0;
  [[nodiscard]] virtual io_result<void>
  rename_at(const handle& from_directory, std::string_view from_name, const handle& to_directory,
            std::string_view to_name, on_existing existing) = 0;
  [[nodiscard]] virtual io_result<void> unlink_at(const handle& directory,
                                                  std::string_view name) = 0;
  [[nodiscard]] virtual io_result<void> make_directory_at(const handle& directory,
                                                          std::string_view name) = 0;
  // Only an empty one (ENOTEMPTY).
  [[nodiscard]] virtual io_result<void> remove_directory_at(const handle& directory,
                                                            std::string_view name) = 0;

  // --- Looking ------------------------------------------------------------------------

  // All entries but "." and "..", in no order; may be called again and again.
  [[nodiscard]] virtual io_result<std::vector<directory_entry>> list(const handle& directory) = 0;
  [[nodiscard]] virtual io_result<file_status> status(const handle& file) = 0;
  // Of the name itself: a symbolic link is `other`.
  [[nodiscard]] virtual io_result<file_status> status_at(const handle& directory,
                                                         std::string_view name) = 0;
  [[nodiscard]] virtual io_result<volume_space> space(const handle& on_volume) = 0;

  // --- Content ------------------------------------------------------------------------

  // Fills `into` from `offset` on, less only at the end of the file (0: nothing there).
  [[nodiscard]] virtual io_result<std::size_t> read(const handle& file, std::uint64_t offset,
                                                    std::span<char> into) = 0;
  // All pieces (at most 64) one behind the other from `offset` on. On an error an unknown part of
  // them is written.
  [[nodiscard]] virtual io_result<void> write(const handle& file, std::uint64_t offset,
                                              std::span<const std::string_view> pieces) = 0;
  [[nodiscard]] virtual io_result<void> truncate(const handle& file, std::uint64_t size) = 0;
  // Reserves [0, size) and grows the file to it, reading as zeros: later writes there need no
  // space. For a file that is still empty that holds for overwriting too: on btrfs it then gets the
  // attribute "no copy on write", and with it loses the checksums of btrfs, so that its owner
  // needs his own.
  [[nodiscard]] virtual io_result<void> allocate(const handle& file, std::uint64_t size) = 0;

  // --- Syncing ------------------------------------------------------------------------
  // One failure is final for that file. Never call it again for the same data, nor reopen the file
  // to try: the kernel may have dropped the pages and then reports success for lost data.

  // Sends the file's data to the device and waits, without making anything durable: a name that is
  // given *afterwards* can then not outlive a power cut without the data (ext4, xfs;
  // docs/durability.md).
  [[nodiscard]] virtual io_result<void> write_out(const handle& file) = 0;
  // fdatasync: the data and the size. Says nothing about names.
  [[nodiscard]] virtual io_result<void> sync_data(const handle& file) = 0;
  // fsync. Of a directory: its entries. Of a file: data, size and, on the file systems we support,
  // all names the file has at this moment, and the directories above them.
  [[nodiscard]] virtual io_result<void> sync_all(const handle& file) = 0;
  // syncfs: everything on the volume. Only a handle that was open since before the first write of
  // what is to be covered reports its errors.
  [[nodiscard]] virtual io_result<void> sync_file_system(const handle& on_volume) = 0;

  // --- Owning -------------------------------------------------------------------------

  // Makes the holder of this handle (writable, or EBADF) the only one that has the file locked,
  // among all handles of all processes, until the handle is closed; a process that dies lets go.
  // Advice only: it hinders nobody who does not ask. EWOULDBLOCK when somebody else has it.
  [[nodiscard]] virtual io_result<void> try_lock(const handle& file) = 0;
  // The same with the other kind of lock that Linux knows, flock(2), which sendmail takes on its
  // queue files; the two kinds do not see each other. The handle may be read-only.
  [[nodiscard]] virtual io_result<void> try_flock(const handle& file) = 0;
  // Names this mount of the file system. As long as two answers are the same (and not empty), all
  // that was written in between can be read back, synced or not; after a reboot, or when it was
  // unmounted and mounted again, the answer is another. Empty: it cannot be told here. Octets
  // without meaning, at most 255.
  [[nodiscard]] virtual io_result<std::string> instance(const handle& on_volume) = 0;

 private:
  friend class handle;
  virtual void close(int number) noexcept = 0;
};

} // namespace homeward::fs
