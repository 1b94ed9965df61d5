#include "lib/directory/file_swap.hpp"

#include <utility>

#include "lib/base/random.hpp"

namespace homeward::directory {

result<folder_and_name> split_path(const std::string& file) {
  const auto slash = file.rfind('/');
  if (!file.starts_with('/') || slash + 1 == file.size()) {
    return transient_failure("\"" + file + "\" is not the absolute path of a file", {},
                             "Write it in full, from / on.");
  }
  return folder_and_name{slash == 0 ? "/" : file.substr(0, slash), file.substr(slash + 1)};
}

result<file_swap> file_swap::begin(fs::file_system& disk, const std::string& target) {
  auto parts = split_path(target);
  if (parts.has_error()) {
    return parts.error();
  }
  auto folder = disk.open_directory(parts->folder);
  if (folder.has_error()) {
    return fs::to_failure(folder.error(), parts->folder);
  }
  const std::string new_name = parts->name + '.' + random_hex(4) + ".new";
  auto file = disk.open_at(*folder, new_name, fs::open_mode::create_new);
  if (file.has_error()) {
    return fs::to_failure(file.error(), parts->folder + '/' + new_name);
  }
  file_swap swap(disk, (parts->folder == "/" ? "" : parts->folder) + '/' + new_name);
  swap.target_name_ = parts->name;
  swap.new_name_ = new_name;
  swap.folder_ = std::move(*folder);
  swap.file_ = std::move(*file);
  return swap;
}

file_swap::file_swap(file_swap&& other) noexcept
    : disk_(other.disk_), path_(std::move(other.path_)),
      target_name_(std::move(other.target_name_)),
      new_name_(std::exchange(other.new_name_, std::string{})), folder_(std::move(other.folder_)),
      file_(std::move(other.file_)), written_(other.written_) {}

file_swap::~file_swap() {
  if (!new_name_.empty() && folder_.is_open()) {
    (void)disk_->unlink_at(folder_, new_name_);
  }
}

result<void> file_swap::append(std::string_view octets) {
  if (auto done = disk_->write(file_, written_, {&octets, 1}); done.has_error()) {
    return fs::to_failure(done.error(), path_);
  }
  written_ += octets.size();
  return {};
}

result<void> file_swap::commit() {
  if (auto done = disk_->sync_all(file_); done.has_error()) {
    return fs::to_failure(done.error(), path_);
  }
  if (auto done =
          disk_->rename_at(folder_, new_name_, folder_, target_name_, fs::on_existing::replace);
      done.has_error()) {
    return fs::to_failure(done.error(), path_);
  }
  new_name_.clear();
  if (auto done = disk_->sync_all(folder_); done.has_error()) {
    return fs::to_failure(done.error(), path_);
  }
  return {};
}

} // namespace homeward::directory
