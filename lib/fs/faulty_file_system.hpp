#pragma once
// Wraps another file system and fails chosen calls: the way to every error path of the code above,
// on the real file system as in memory. Also counts the calls and keeps their order, so that a test
// can see a sync before a success.

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "lib/fs/file_system.hpp"

namespace homeward::fs {

enum class call : unsigned char {
  open_directory,
  open_at,
  create_unnamed_at,
  link_at,
  link_name_at,
  rename_at,
  unlink_at,
  make_directory_at,
  remove_directory_at,
  list,
  status,
  status_at,
  space,
  read,
  write,
  truncate,
  allocate,
  write_out,
  sync_data,
  sync_all,
  sync_file_system,
  try_lock,
  try_flock,
  instance,
};

// What goes wrong, and when.
struct fault {
  std::optional<call> kind; // none: any call counts
  unsigned nth = 1; // the first matching call that fails, counted from 1 since the plan was made
  int error = 5;    // errno
  bool for_ever = false; // all later ones too; otherwise this one only
  bool pretend = false;  // not done, but reported as done (calls that return no value)
  // Of a write: this many octets reach the file before the error.
  std::optional<std::size_t> short_write = {};
};

// Any thread. The wrapped file system must outlive it; handles are those of the wrapped one (their
// close never fails and is not counted).
class faulty_file_system final : public file_system {
 public:
  explicit faulty_file_system(file_system& wrapped) : wrapped_(wrapped) {}

  // Adds a fault; its count starts now.
  void plan(fault f);
  // From the nth call on (from 1, counted from now) nothing reaches the wrapped file system; every
  // call gives EIO. What a process sees at the moment of a power cut; crash() of the forgetting one
  // completes it.
  void cut_power_at(unsigned nth);
  // Faults and the power cut are gone, and the calls seen so far.
  void reset();

  [[nodiscard]] std::vector<call> calls() const;
  [[nodiscard]] std::size_t count(call kind) const;
  [[nodiscard]] bool power_is_cut() const;

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
  // The fault that hits this call, if any.
  [[nodiscard]] std::optional<fault> strike(call kind);
  template <class Call>
  auto pass(call kind, Call perform) -> decltype(perform());
  void close(int /*number*/) noexcept override {} // no handle is ours

  struct planned {
    fault what;
    unsigned seen = 0;
  };

  file_system& wrapped_;
  mutable std::mutex mutex_;
  std::vector<planned> plan_;
  std::vector<call> calls_;
  std::optional<unsigned> calls_until_cut_;
};

} // namespace homeward::fs
