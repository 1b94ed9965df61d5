#include "lib/fs/stable_storage.hpp"

#include <algorithm>
#include <utility>

namespace homeward::fs {

stable_storage::stable_storage(sync_promises promises) : promises_(promises) {
  disk_[root_inode].kind = entry_kind::directory;
}

void stable_storage::change_names(std::vector<name_change> changes, entry_kind kind_of_target) {
  pending_.push_back({.names = std::move(changes), .kind = kind_of_target});
}

void stable_storage::write_out(inode_number file, std::string content) {
  pending_.push_back({.file = file, .content = std::move(content)});
}

// Whether `later` cannot be on the disk without `earlier`.
bool stable_storage::needs(const record& later, const record& earlier) const {
  const bool linux_rules = promises_ == sync_promises::linux_file_systems;
  if (later.names.empty()) {
    return earlier.names.empty() && earlier.file == later.file;
  }
  if (earlier.names.empty()) {
    return linux_rules &&
           std::any_of(later.names.begin(), later.names.end(),
                       [&](const name_change& c) { return c.target == earlier.file; });
  }
  for (const name_change& l : later.names) {
    for (const name_change& e : earlier.names) {
      const bool same_name = l.directory == e.directory && l.name == e.name;
      const bool inside = linux_rules && e.target != 0 && e.target == l.directory;
      if (same_name || inside) {
        return true;
      }
    }
  }
  return false;
}

void stable_storage::apply(record& r) {
  if (r.names.empty()) {
    disk_[r.file].content = std::move(r.content);
    return;
  }
  for (const name_change& c : r.names) {
    auto& entries = disk_[c.directory].entries;
    disk_[c.directory].kind = entry_kind::directory;
    if (c.target == 0) {
      entries.erase(c.name);
    } else {
      entries[c.name] = c.target;
      disk_[c.target].kind = r.kind;
    }
  }
}

// Puts the chosen records on the disk, with all that they need.
void stable_storage::commit(std::vector<bool> chosen) {
  for (std::size_t i = pending_.size(); i-- > 0;) {
    for (std::size_t k = 0; chosen[i] && k < i; ++k) {
      if (!chosen[k] && needs(pending_[i], pending_[k])) {
        chosen[k] = true;
      }
    }
  }
  std::vector<record> rest;
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    if (chosen[i]) {
      apply(pending_[i]);
    } else {
      rest.push_back(std::move(pending_[i]));
    }
  }
  pending_ = std::move(rest);
}

void stable_storage::sync_data(inode_number file) {
  std::vector<bool> chosen;
  for (const record& r : pending_) {
    chosen.push_back(r.names.empty() && r.file == file);
  }
  commit(std::move(chosen));
}

void stable_storage::sync_file(inode_number file) {
  const bool with_names = promises_ == sync_promises::linux_file_systems;
  std::vector<bool> chosen;
  for (const record& r : pending_) {
    const bool named = std::any_of(r.names.begin(), r.names.end(),
                                   [&](const name_change& c) { return c.target == file; });
    chosen.push_back((r.names.empty() && r.file == file) || (with_names && named));
  }
  commit(std::move(chosen));
}

void stable_storage::sync_directory(inode_number directory) {
  const bool with_names = promises_ == sync_promises::linux_file_systems;
  std::vector<bool> chosen;
  for (const record& r : pending_) {
    chosen.push_back(std::any_of(r.names.begin(), r.names.end(), [&](const name_change& c) {
      return c.directory == directory || (with_names && c.target == directory);
    }));
  }
  commit(std::move(chosen));
}

void stable_storage::sync_everything() {
  commit(std::vector<bool>(pending_.size(), true));
}

const stored_tree& stable_storage::crash(crash_keeps keeps, std::mt19937_64& chance) {
  std::vector<bool> chosen(pending_.size(), keeps == crash_keeps::everything);
  if (keeps == crash_keeps::anything) {
    // Either a journal cut at some point, or changes in any order: odds differ from crash to crash.
    const bool in_order = chance() % 2 == 0;
    const std::size_t cut = chance() % (pending_.size() + 1);
    const std::uint64_t odds = 1 + chance() % 9;
    for (std::size_t i = 0; i < pending_.size(); ++i) {
      chosen[i] = in_order ? i < cut : chance() % 10 < odds;
    }
  }
  commit(std::move(chosen));
  pending_.clear();
  return disk_;
}

} // namespace homeward::fs
