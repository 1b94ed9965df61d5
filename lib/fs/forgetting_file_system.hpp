#pragma once
// A file system in memory for tests: it behaves as the real one does until crash(), and then has
// forgotten what no sync covered, data and directory entries alike. Property tests of the write
// path run on it.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "lib/fs/file_system.hpp"
#include "lib/fs/stable_storage.hpp"

namespace homeward::fs {

// Any thread, as every file_system. Handles must not outlive it.
class forgetting_file_system final : public file_system {
 public:
  explicit forgetting_file_system(sync_promises promises = sync_promises::linux_file_systems);
  ~forgetting_file_system() override;

  // --- For the test ---------------------------------------------------------------------

  // Makes a directory and those above it, durably: the operator's mkdir before the story begins.
  void make_directories(std::string_view absolute_path);
  // The same, and what is made in that directory lies on another volume than its neighbours: names
  // across are EXDEV. A crash takes all volumes.
  void make_volume(std::string_view absolute_path);
  // The time that content changed from now on says, in seconds since 1970. 0 at first.
  void set_time(std::int64_t seconds);
  // A symbolic link at this absolute path, whose directory exists: open_at() refuses it.
  void plant_symlink(std::string_view absolute_path);
  // The power is cut and comes back: every open handle is dead (EIO), unsynced changes are lost as
  // `keeps` says; `seed` chooses among what is allowed.
  void crash(crash_keeps keeps, std::uint64_t seed);
  // More octets in all files than this: ENOSPC. Unlimited at first.
  void set_capacity(byte_count capacity);
  void set_read_only(bool read_only);
  // false: like a network file system, create_unnamed_at() gives EOPNOTSUPP.
  void set_unnamed_files(bool possible);
  // More names than this for one file: EMLINK.
  void set_max_links(std::uint32_t limit);
  [[nodiscard]] std::size_t open_handles() const;

  // --- file_system ----------------------------------------------------------------------

  [[nodiscard]] io_result<handle> open_directory(std::string_view absolute_path) override;
  [[nodiscard]] io_result<handle> open_at(const handle& directory, std::string_view path,
                                          open_mode mode) override;
  [[nodiscard]] io_result<handle> create_unnamed_at(const handle& directory) override;
  [[nodiscard]] io_result<void> link_at(const handle& file, const handle& directory,
                                        std::string_view name) override;
  [[nodiscard]] io_result<void> link_name_at(const handle& from_directory,
                                             std::string_view from_name, const handle& to_directory,
                                             std::string_view to_name) override;
  [[nodiscard]] io_result<void> rename_at(const handle& from_directory, std::string_view from_name,
                                          const handle& to_directory, std::string_view to_name,
                                          on_existing existing) override;
  [[nodiscard]] io_result<void> unlink_at(const handle& directory, std::string_view name) override;
  [[nodiscard]] io_result<void> make_directory_at(const handle& directory,
                                                  std::string_view name) override;
  [[nodiscard]] io_result<void> remove_directory_at(const handle& directory,
                                                    std::string_view name) override;
  [[nodiscard]] io_result<std::vector<directory_entry>> list(const handle& directory) override;
  [[nodiscard]] io_result<file_status> status(const handle& file) override;
  [[nodiscard]] io_result<file_status> status_at(const handle& directory,
                                                 std::string_view name) override;
  [[nodiscard]] io_result<volume_space> space(const handle& on_volume) override;
  [[nodiscard]] io_result<std::size_t> read(const handle& file, std::uint64_t offset,
                                            std::span<char> into) override;
  [[nodiscard]] io_result<void> write(const handle& file, std::uint64_t offset,
                                      std::span<const std::string_view> pieces) override;
  [[nodiscard]] io_result<void> truncate(const handle& file, std::uint64_t size) override;
  [[nodiscard]] io_result<void> allocate(const handle& file, std::uint64_t size) override;
  [[nodiscard]] io_result<void> write_out(const handle& file) override;
  [[nodiscard]] io_result<void> sync_data(const handle& file) override;
  [[nodiscard]] io_result<void> sync_all(const handle& file) override;
  [[nodiscard]] io_result<void> sync_file_system(const handle& on_volume) override;
  [[nodiscard]] io_result<void> try_lock(const handle& file) override;
  [[nodiscard]] io_result<void> try_flock(const handle& file) override;
  [[nodiscard]] io_result<std::string> instance(const handle& on_volume) override;

 private:
  struct node;
  struct open_file;
  using node_pointer = std::shared_ptr<node>;

  void close(int number) noexcept override;
  [[nodiscard]] handle open_node(const node_pointer& n, bool writable);
  [[nodiscard]] node_pointer make_node(entry_kind kind, std::uint64_t device);
  [[nodiscard]] io_result<node_pointer> node_of(const handle& h) const;
  [[nodiscard]] io_result<node_pointer> directory_of(const handle& h) const;
  [[nodiscard]] io_result<node_pointer> writable_of(const handle& h) const;
  [[nodiscard]] io_result<node_pointer> directory_for_change(const handle& h,
                                                             std::string_view name) const;
  [[nodiscard]] io_result<node_pointer> child(const handle& h, std::string_view name) const;
  [[nodiscard]] io_result<node_pointer> walk(node_pointer from, std::string_view path) const;
  [[nodiscard]] io_result<handle> create_file(const node_pointer& directory, std::string_view name);
  [[nodiscard]] io_result<void> add_name(const node_pointer& target, const node_pointer& directory,
                                         std::string_view name);
  [[nodiscard]] std::uint64_t used() const;
  void send_out(node& n);
  void forget_if_unused(const node& n);

  mutable std::mutex mutex_;
  stable_storage storage_;
  std::map<inode_number, node_pointer> nodes_;
  std::map<int, open_file> open_;
  inode_number next_inode_ = root_inode + 1;
  int next_number_ = 1;
  unsigned crashes_ = 0;
  std::map<inode_number, std::uint64_t> devices_; // of files that are not on device 1
  std::uint64_t last_device_ = 1;
  std::int64_t time_ = 0;
  std::optional<byte_count> capacity_;
  std::uint32_t max_links_ = 65000;
  bool read_only_ = false;
  bool unnamed_files_ = true;
};

} // namespace homeward::fs
