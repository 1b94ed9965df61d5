#include "lib/fs/forgetting_file_system.hpp"

#include <algorithm>
#include <cerrno>
#include <random>
#include <utility>
#include <vector>

#include "lib/fs/forgetting_node.hpp"
#include "lib/fs/names.hpp"

namespace homeward::fs {

namespace {

// The components of a path; "." and empty ones mean nothing.
io_result<std::vector<std::string_view>> components(std::string_view path, const char* operation) {
  if (has_parent_component(path)) {
    return io_error{EXDEV, operation};
  }
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (part.size() > 255) {
      return io_error{ENAMETOOLONG, operation};
    }
    if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
  }
  return parts;
}

// What the disk may hold when the kernel was in the middle of writing: every sector old or new, the
// size in between; what has no data yet reads as zeros.
std::string partly_written(const std::string& before, const std::string& after,
                           std::mt19937_64& chance) {
  constexpr std::size_t sector = 512;
  const std::size_t shorter = std::min(before.size(), after.size());
  const std::size_t longer = std::max(before.size(), after.size());
  std::string mixed = before;
  mixed.resize(shorter + chance() % (longer - shorter + 1), '\0');
  for (std::size_t i = 0; i < std::min(mixed.size(), after.size()); i += sector) {
    if (chance() % 2 == 0) {
      mixed.replace(i, std::min(sector, mixed.size() - i), after, i,
                    std::min(sector, mixed.size() - i));
    }
  }
  return mixed;
}

} // namespace

forgetting_file_system::forgetting_file_system(sync_promises promises) : storage_(promises) {
  auto root = std::make_shared<node>();
  root->inode = root_inode;
  root->kind = entry_kind::directory;
  nodes_[root_inode] = std::move(root);
}

forgetting_file_system::~forgetting_file_system() = default;

// --- For the test --------------------------------------------------------------------

void forgetting_file_system::make_directories(std::string_view absolute_path) {
  const std::lock_guard lock(mutex_);
  node_pointer at = nodes_[root_inode];
  for (const std::string_view part : components(absolute_path, "").value()) {
    auto& next = at->entries[std::string(part)];
    if (!next) {
      next = make_node(entry_kind::directory, at->device);
      next->links = 1;
      storage_.change_names({{at->inode, std::string(part), next->inode}}, entry_kind::directory);
    }
    at = next;
  }
  storage_.sync_everything();
}

void forgetting_file_system::make_volume(std::string_view absolute_path) {
  make_directories(absolute_path);
  const std::lock_guard lock(mutex_);
  const node_pointer root = walk(nodes_[root_inode], absolute_path).value();
  root->device = ++last_device_;
  devices_[root->inode] = root->device;
}

void forgetting_file_system::set_time(std::int64_t seconds) {
  const std::lock_guard lock(mutex_);
  time_ = seconds;
}

void forgetting_file_system::plant_symlink(std::string_view absolute_path) {
  const std::lock_guard lock(mutex_);
  const std::size_t slash = absolute_path.rfind('/');
  const node_pointer directory = walk(nodes_[root_inode], absolute_path.substr(0, slash)).value();
  const node_pointer link = make_node(entry_kind::other, directory->device);
  directory->entries[std::string(absolute_path.substr(slash + 1))] = link;
  link->links = 1;
}

void forgetting_file_system::crash(crash_keeps keeps, std::uint64_t seed) {
  const std::lock_guard lock(mutex_);
  std::mt19937_64 chance(seed);
  for (auto& [number, n] : nodes_) {
    if (n->kind != entry_kind::file || !n->changed || keeps == crash_keeps::nothing) {
      continue;
    }
    if (keeps == crash_keeps::anything && chance() % 2 == 0) {
      n->content = partly_written(n->sent, n->content, chance);
    } else if (keeps == crash_keeps::anything) {
      continue;
    }
    send_out(*n);
  }
  const stored_tree& disk = storage_.crash(keeps, chance);
  ++crashes_;
  const auto before = std::move(nodes_);
  nodes_.clear();
  open_.clear();
  for (const auto& [number, stored] : disk) {
    auto n = std::make_shared<node>();
    n->inode = number;
    n->kind = stored.kind;
    n->content = stored.content;
    n->sent = stored.content;
    n->device = devices_.contains(number) ? devices_[number] : 1;
    n->modified = before.contains(number) ? before.at(number)->modified : time_;
    nodes_[number] = std::move(n);
  }
  for (const auto& [number, stored] : disk) {
    for (const auto& [name, target] : stored.entries) {
      nodes_[number]->entries[name] = nodes_[target];
      ++nodes_[target]->links;
    }
  }
  std::erase_if(nodes_, [](const auto& entry) {
    return entry.second->links == 0 && entry.first != root_inode;
  });
}

void forgetting_file_system::set_capacity(byte_count capacity) {
  const std::lock_guard lock(mutex_);
  capacity_ = capacity;
}

void forgetting_file_system::set_read_only(bool read_only) {
  const std::lock_guard lock(mutex_);
  read_only_ = read_only;
}

void forgetting_file_system::set_unnamed_files(bool possible) {
  const std::lock_guard lock(mutex_);
  unnamed_files_ = possible;
}

void forgetting_file_system::set_max_links(std::uint32_t limit) {
  const std::lock_guard lock(mutex_);
  max_links_ = limit;
}

std::size_t forgetting_file_system::open_handles() const {
  const std::lock_guard lock(mutex_);
  return open_.size();
}

// --- Inside (the lock is held) -------------------------------------------------------

forgetting_file_system::node_pointer forgetting_file_system::make_node(entry_kind kind,
                                                                       std::uint64_t device) {
  auto n = std::make_shared<node>();
  n->inode = next_inode_++;
  n->kind = kind;
  n->device = device;
  n->modified = time_;
  if (device != 1) {
    devices_[n->inode] = device;
  }
  nodes_[n->inode] = n;
  return n;
}

handle forgetting_file_system::open_node(const node_pointer& n, bool writable) {
  const int number = next_number_++;
  open_[number] = {.what = n, .writable = writable};
  ++n->handles;
  return {*this, number};
}

void forgetting_file_system::close(int number) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(number);
  if (found == open_.end()) { // from before a crash
    return;
  }
  const node_pointer n = std::move(found->second.what);
  open_.erase(found);
  --n->handles;
  n->locked_by = n->locked_by == number ? 0 : n->locked_by;
  n->flocked_by = n->flocked_by == number ? 0 : n->flocked_by;
  forget_if_unused(*n);
}

// What has neither a name nor a handle takes no room.
void forgetting_file_system::forget_if_unused(const node& n) {
  if (n.links == 0 && n.handles == 0 && n.inode != root_inode) {
    nodes_.erase(n.inode);
  }
}

io_result<forgetting_file_system::node_pointer>
forgetting_file_system::node_of(const handle& h) const {
  const auto found = open_.find(h.number());
  if (found == open_.end()) {
    return io_error{EIO, "handle from before the crash"};
  }
  return found->second.what;
}

io_result<forgetting_file_system::node_pointer>
forgetting_file_system::directory_of(const handle& h) const {
  auto n = node_of(h);
  if (n && (*n)->kind != entry_kind::directory) {
    return io_error{ENOTDIR, "directory handle"};
  }
  return n;
}

io_result<forgetting_file_system::node_pointer>
forgetting_file_system::writable_of(const handle& h) const {
  auto n = node_of(h);
  if (n && !open_.at(h.number()).writable) {
    return io_error{EBADF, "write"};
  }
  if (n && read_only_) {
    return io_error{EROFS, "write"};
  }
  return n;
}

io_result<forgetting_file_system::node_pointer>
forgetting_file_system::directory_for_change(const handle& h, std::string_view name) const {
  auto directory = directory_of(h);
  if (!directory) {
    return directory;
  }
  if (!is_name(name)) {
    return io_error{EINVAL, "name"};
  }
  if (name.size() > 255) {
    return io_error{ENAMETOOLONG, "name"};
  }
  if (read_only_) {
    return io_error{EROFS, "change of a directory"};
  }
  return directory;
}

io_result<forgetting_file_system::node_pointer>
forgetting_file_system::child(const handle& h, std::string_view name) const {
  auto directory = directory_of(h);
  if (!directory) {
    return directory;
  }
  if (!is_name(name)) {
    return io_error{EINVAL, "name"};
  }
  const auto found = (*directory)->entries.find(name);
  if (found == (*directory)->entries.end()) {
    return io_error{ENOENT, "name"};
  }
  return found->second;
}

io_result<forgetting_file_system::node_pointer>
forgetting_file_system::walk(node_pointer from, std::string_view path) const {
  const auto parts = components(path, "open");
  if (!parts) {
    return parts.error();
  }
  for (const std::string_view part : *parts) {
    if (from->kind != entry_kind::directory) {
      return io_error{from->kind == entry_kind::other ? ELOOP : ENOTDIR, "open"};
    }
    const auto found = from->entries.find(part);
    if (found == from->entries.end()) {
      return io_error{ENOENT, "open"};
    }
    from = found->second;
  }
  if (from->kind == entry_kind::other) {
    return io_error{ELOOP, "open"};
  }
  return from;
}

io_result<void> forgetting_file_system::add_name(const node_pointer& target,
                                                 const node_pointer& directory,
                                                 std::string_view name) {
  if (directory->removed || target->removed) {
    return io_error{ENOENT, "link"};
  }
  if (directory->device != target->device && target->kind == entry_kind::file) {
    return io_error{EXDEV, "link"};
  }
  if (directory->entries.contains(name)) {
    return io_error{EEXIST, "link"};
  }
  if (target->links >= max_links_) {
    return io_error{EMLINK, "link"};
  }
  directory->entries[std::string(name)] = target;
  ++target->links;
  storage_.change_names({{directory->inode, std::string(name), target->inode}}, target->kind);
  return {};
}

std::uint64_t forgetting_file_system::used() const {
  std::uint64_t octets = 0;
  for (const auto& [number, n] : nodes_) {
    octets += n->content.size();
  }
  return octets;
}

void forgetting_file_system::send_out(node& n) {
  if (n.changed) {
    storage_.write_out(n.inode, n.content);
    n.sent = n.content;
    n.changed = false;
  }
}

} // namespace homeward::fs
