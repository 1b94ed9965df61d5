#pragma once
// The file system of the machine: each operation is one system call, or the few that make it safe
// (openat2 with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS for every path).
// Needs Linux 5.6.

#include "lib/fs/file_system.hpp"

namespace homeward::fs {

// Stateless; a handle's number is the descriptor. Any thread.
class real_file_system final : public file_system {
 public:
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
  void close(int number) noexcept override;
};

} // namespace homeward::fs
