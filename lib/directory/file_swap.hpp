#pragma once
// Replacing a file as a whole, private to lib/directory: the new content is written under a name of
// its own in the same folder, synced, and renamed over the old one, and the folder is synced.
// Whoever reads sees the old file or the new, also after a power cut.

#include <string>
#include <string_view>

#include "lib/base/failure.hpp"
#include "lib/fs/file_system.hpp"

namespace homeward::directory {

// One replacement. Until commit() the old file is untouched; without it the new one is removed
// again.
class file_swap {
 public:
  // Begins: an empty file, mode 0600, beside `target` (an absolute path). Its name ends in ".new".
  [[nodiscard]] static result<file_swap> begin(fs::file_system& disk, const std::string& target);

  file_swap(file_swap&& other) noexcept;
  file_swap& operator=(file_swap&&) = delete;
  file_swap(const file_swap&) = delete;
  file_swap& operator=(const file_swap&) = delete;
  ~file_swap();

  // The new file's path, for those who write it themselves.
  [[nodiscard]] const std::string& path() const { return path_; }
  // Appends to the new file.
  [[nodiscard]] result<void> append(std::string_view octets);
  // Everything is written: makes it the target.
  [[nodiscard]] result<void> commit();

 private:
  file_swap(fs::file_system& disk, std::string path) : disk_(&disk), path_(std::move(path)) {}

  fs::file_system* disk_;
  std::string path_;
  std::string target_name_;
  std::string new_name_;
  fs::handle folder_;
  fs::handle file_;
  std::uint64_t written_ = 0;
};

// `file` split into its folder and its name; the path must be absolute. Transient failure
// otherwise.
struct folder_and_name {
  std::string folder;
  std::string name;
};
[[nodiscard]] result<folder_and_name> split_path(const std::string& file);

} // namespace homeward::directory
