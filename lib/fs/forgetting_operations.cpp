#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "lib/fs/forgetting_file_system.hpp"
#include "lib/fs/forgetting_node.hpp"
#include "lib/fs/names.hpp"

namespace homeward::fs {

// --- Opening -------------------------------------------------------------------------

io_result<handle> forgetting_file_system::open_directory(std::string_view absolute_path) {
  const std::lock_guard lock(mutex_);
  if (!is_path(absolute_path) || absolute_path.front() != '/') {
    return io_error{EINVAL, "open directory"};
  }
  const auto found = walk(nodes_[root_inode], absolute_path);
  if (!found) {
    return found.error();
  }
  if ((*found)->kind != entry_kind::directory) {
    return io_error{ENOTDIR, "open directory"};
  }
  return open_node(*found, false);
}

io_result<handle> forgetting_file_system::open_at(const handle& directory, std::string_view path,
                                                  open_mode mode) {
  const std::lock_guard lock(mutex_);
  const auto from = directory_of(directory);
  if (!from) {
    return from.error();
  }
  if (!is_path(path)) {
    return io_error{EINVAL, "open"};
  }
  if (path.front() == '/') {
    return io_error{EXDEV, "open"};
  }
  if (mode == open_mode::create_new) {
    const std::size_t slash = path.rfind('/');
    const bool nested = slash != std::string_view::npos;
    const auto parent = nested ? walk(*from, path.substr(0, slash)) : from;
    if (!parent) {
      return parent.error();
    }
    return create_file(*parent, nested ? path.substr(slash + 1) : path);
  }
  const auto found = walk(*from, path);
  if (!found) {
    return found.error();
  }
  const bool is_directory = (*found)->kind == entry_kind::directory;
  if (mode == open_mode::directory && !is_directory) {
    return io_error{ENOTDIR, "open"};
  }
  if (mode == open_mode::read_write && (is_directory || read_only_)) {
    return io_error{is_directory ? EISDIR : EROFS, "open"};
  }
  return open_node(*found, mode == open_mode::read_write);
}

io_result<handle> forgetting_file_system::create_file(const node_pointer& directory,
                                                      std::string_view name) {
  if (!is_name(name)) {
    return io_error{EISDIR, "open"};
  }
  if (read_only_) {
    return io_error{EROFS, "open"};
  }
  if (directory->kind != entry_kind::directory) {
    return io_error{ENOTDIR, "open"};
  }
  if (directory->entries.contains(name)) {
    return io_error{EEXIST, "open"};
  }
  const node_pointer made = make_node(entry_kind::file, directory->device);
  if (const auto named = add_name(made, directory, name); !named) {
    return named.error();
  }
  return open_node(made, true);
}

io_result<handle> forgetting_file_system::create_unnamed_at(const handle& directory) {
  const std::lock_guard lock(mutex_);
  const auto from = directory_of(directory);
  if (!from) {
    return from.error();
  }
  if (read_only_ || !unnamed_files_) {
    return io_error{read_only_ ? EROFS : EOPNOTSUPP, "open unnamed file"};
  }
  return open_node(make_node(entry_kind::file, (*from)->device), true);
}

// --- Names ---------------------------------------------------------------------------

io_result<void> forgetting_file_system::link_at(const handle& file, const handle& directory,
                                                std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto target = node_of(file);
  const auto where = directory_for_change(directory, name);
  if (!target || !where) {
    return target ? where.error() : target.error();
  }
  return add_name(*target, *where, name);
}

io_result<void> forgetting_file_system::link_name_at(const handle& from_directory,
                                                     std::string_view from_name,
                                                     const handle& to_directory,
                                                     std::string_view to_name) {
  const std::lock_guard lock(mutex_);
  const auto target = child(from_directory, from_name);
  const auto where = directory_for_change(to_directory, to_name);
  if (!target || !where) {
    return target ? where.error() : target.error();
  }
  if ((*target)->kind == entry_kind::directory) {
    return io_error{EPERM, "link"};
  }
  return add_name(*target, *where, to_name);
}

io_result<void> forgetting_file_system::rename_at(const handle& from_directory,
                                                  std::string_view from_name,
                                                  const handle& to_directory,
                                                  std::string_view to_name, on_existing existing) {
  const std::lock_guard lock(mutex_);
  const auto moved = child(from_directory, from_name);
  const auto from = directory_for_change(from_directory, from_name);
  const auto to = directory_for_change(to_directory, to_name);
  if (!moved || !from || !to) {
    return !from ? from.error() : (!moved ? moved.error() : to.error());
  }
  if ((*to)->removed) {
    return io_error{ENOENT, "rename"};
  }
  if ((*from)->device != (*to)->device) {
    return io_error{EXDEV, "rename"};
  }
  const auto old = (*to)->entries.find(to_name);
  if (old != (*to)->entries.end()) {
    if (existing == on_existing::refuse) {
      return io_error{EEXIST, "rename"};
    }
    if (old->second == *moved) {
      return {}; // two names of one file: POSIX says that nothing happens
    }
    if (old->second->kind == entry_kind::directory) {
      return io_error{EISDIR, "rename"};
    }
    --old->second->links;
    old->second->removed = old->second->links == 0;
    forget_if_unused(*old->second);
  }
  const node_pointer what = *moved;
  (*from)->entries.erase((*from)->entries.find(from_name));
  (*to)->entries[std::string(to_name)] = what;
  storage_.change_names({{(*from)->inode, std::string(from_name), 0},
                         {(*to)->inode, std::string(to_name), what->inode}},
                        what->kind);
  return {};
}

io_result<void> forgetting_file_system::unlink_at(const handle& directory, std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto where = directory_for_change(directory, name);
  const auto target = child(directory, name);
  if (!where || !target) {
    return where ? target.error() : where.error();
  }
  if ((*target)->kind == entry_kind::directory) {
    return io_error{EISDIR, "unlink"};
  }
  const node_pointer gone = *target;
  (*where)->entries.erase((*where)->entries.find(name));
  --gone->links;
  gone->removed = gone->links == 0;
  storage_.change_names({{(*where)->inode, std::string(name), 0}}, gone->kind);
  forget_if_unused(*gone);
  return {};
}

io_result<void> forgetting_file_system::make_directory_at(const handle& directory,
                                                          std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto where = directory_for_change(directory, name);
  if (!where) {
    return where.error();
  }
  if ((*where)->entries.contains(name)) {
    return io_error{EEXIST, "mkdir"};
  }
  return add_name(make_node(entry_kind::directory, (*where)->device), *where, name);
}

io_result<void> forgetting_file_system::remove_directory_at(const handle& directory,
                                                            std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto where = directory_for_change(directory, name);
  const auto target = child(directory, name);
  if (!where || !target) {
    return where ? target.error() : where.error();
  }
  if ((*target)->kind != entry_kind::directory) {
    return io_error{ENOTDIR, "rmdir"};
  }
  if (!(*target)->entries.empty()) {
    return io_error{ENOTEMPTY, "rmdir"};
  }
  const node_pointer gone = *target;
  (*where)->entries.erase((*where)->entries.find(name));
  gone->links = 0;
  gone->removed = true;
  storage_.change_names({{(*where)->inode, std::string(name), 0}}, entry_kind::directory);
  forget_if_unused(*gone);
  return {};
}

// --- Looking -------------------------------------------------------------------------

io_result<std::vector<directory_entry>> forgetting_file_system::list(const handle& directory) {
  const std::lock_guard lock(mutex_);
  const auto where = directory_of(directory);
  if (!where) {
    return where.error();
  }
  std::vector<directory_entry> entries;
  for (const auto& [name, n] : (*where)->entries) {
    entries.push_back({.name = name, .kind = n->kind});
  }
  return entries;
}

io_result<file_status> forgetting_file_system::status(const handle& file) {
  const std::lock_guard lock(mutex_);
  const auto n = node_of(file);
  if (!n) {
    return n.error();
  }
  return file_status{.kind = (*n)->kind,
                     .size = (*n)->content.size(),
                     .device = (*n)->device,
                     .inode = (*n)->inode,
                     .links = (*n)->links,
                     .modified = (*n)->modified};
}

io_result<file_status> forgetting_file_system::status_at(const handle& directory,
                                                         std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto n = child(directory, name);
  if (!n) {
    return n.error();
  }
  return file_status{.kind = (*n)->kind,
                     .size = (*n)->content.size(),
                     .device = (*n)->device,
                     .inode = (*n)->inode,
                     .links = (*n)->links,
                     .modified = (*n)->modified};
}

io_result<volume_space> forgetting_file_system::space(const handle& on_volume) {
  const std::lock_guard lock(mutex_);
  if (const auto n = node_of(on_volume); !n) {
    return n.error();
  }
  const byte_count total = capacity_.value_or(1024_GiB);
  return volume_space{.free = {total.octets - std::min(total.octets, used())},
                      .total = total,
                      .read_only = read_only_};
}

// --- Content -------------------------------------------------------------------------

io_result<std::size_t> forgetting_file_system::read(const handle& file, std::uint64_t offset,
                                                    std::span<char> into) {
  const std::lock_guard lock(mutex_);
  const auto n = node_of(file);
  if (!n) {
    return n.error();
  }
  if ((*n)->kind == entry_kind::directory) {
    return io_error{EISDIR, "read"};
  }
  const std::string& content = (*n)->content;
  if (offset >= content.size()) {
    return std::size_t{0};
  }
  const std::size_t count = std::min<std::size_t>(into.size(), content.size() - offset);
  std::memcpy(into.data(), content.data() + offset, count);
  return count;
}

io_result<void> forgetting_file_system::write(const handle& file, std::uint64_t offset,
                                              std::span<const std::string_view> pieces) {
  const std::lock_guard lock(mutex_);
  const auto n = writable_of(file);
  if (!n) {
    return n.error();
  }
  std::string& content = (*n)->content;
  for (const std::string_view piece : pieces) {
    const std::uint64_t end = offset + piece.size();
    const std::uint64_t growth = end > content.size() ? end - content.size() : 0;
    if (capacity_ && used() + growth > capacity_->octets) {
      return io_error{ENOSPC, "write"};
    }
    content.resize(std::max<std::uint64_t>(content.size(), end), '\0');
    std::copy(piece.begin(), piece.end(), content.begin() + static_cast<std::ptrdiff_t>(offset));
    offset = end;
    (*n)->changed = true;
    (*n)->modified = time_;
  }
  return {};
}

io_result<void> forgetting_file_system::truncate(const handle& file, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  const auto n = writable_of(file);
  if (!n) {
    return n.error();
  }
  (*n)->content.resize(size, '\0');
  (*n)->changed = true;
  return {};
}

io_result<void> forgetting_file_system::allocate(const handle& file, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  const auto n = writable_of(file);
  if (!n) {
    return n.error();
  }
  const std::uint64_t old = (*n)->content.size();
  if (capacity_ && size > old && used() + size - old > capacity_->octets) {
    return io_error{ENOSPC, "allocate"};
  }
  (*n)->content.resize(std::max<std::uint64_t>(old, size), '\0');
  (*n)->changed = true;
  return {};
}

// --- Syncing -------------------------------------------------------------------------

io_result<void> forgetting_file_system::write_out(const handle& file) {
  const std::lock_guard lock(mutex_);
  const auto n = node_of(file);
  if (!n) {
    return n.error();
  }
  send_out(**n);
  return {};
}

io_result<void> forgetting_file_system::sync_data(const handle& file) {
  const std::lock_guard lock(mutex_);
  const auto n = node_of(file);
  if (!n) {
    return n.error();
  }
  send_out(**n);
  storage_.sync_data((*n)->inode);
  return {};
}

io_result<void> forgetting_file_system::sync_all(const handle& file) {
  const std::lock_guard lock(mutex_);
  const auto n = node_of(file);
  if (!n) {
    return n.error();
  }
  if ((*n)->kind == entry_kind::directory) {
    storage_.sync_directory((*n)->inode);
  } else {
    send_out(**n);
    storage_.sync_file((*n)->inode);
  }
  return {};
}

io_result<void> forgetting_file_system::sync_file_system(const handle& on_volume) {
  const std::lock_guard lock(mutex_);
  if (const auto n = node_of(on_volume); !n) {
    return n.error();
  }
  for (auto& [number, n] : nodes_) {
    if (n->kind == entry_kind::file) {
      send_out(*n);
    }
  }
  storage_.sync_everything();
  return {};
}

// --- Owning --------------------------------------------------------------------------

io_result<void> forgetting_file_system::try_lock(const handle& file) {
  const std::lock_guard lock(mutex_);
  const auto n = node_of(file);
  if (!n) {
    return n.error();
  }
  if (!open_.at(file.number()).writable) {
    return io_error{EBADF, "lock"};
  }
  if ((*n)->locked_by != 0 && (*n)->locked_by != file.number()) {
    return io_error{EWOULDBLOCK, "lock"};
  }
  (*n)->locked_by = file.number();
  return {};
}

io_result<void> forgetting_file_system::try_flock(const handle& file) {
  const std::lock_guard lock(mutex_);
  const auto n = node_of(file);
  if (!n) {
    return n.error();
  }
  if ((*n)->flocked_by != 0 && (*n)->flocked_by != file.number()) {
    return io_error{EWOULDBLOCK, "flock"};
  }
  (*n)->flocked_by = file.number();
  return {};
}

io_result<std::string> forgetting_file_system::instance(const handle& on_volume) {
  const std::lock_guard lock(mutex_);
  if (const auto n = node_of(on_volume); !n) {
    return n.error();
  }
  return "memory-" + std::to_string(crashes_);
}

} // namespace homeward::fs
