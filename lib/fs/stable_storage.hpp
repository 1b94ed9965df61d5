#pragma once
// The disk of the forgetting file system: what survives a crash for certain, and what is on
// its way there and survives by luck. docs/durability.md lists the promises that it keeps; it
// keeps no other.

#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "lib/fs/file_system.hpp"

namespace homeward::fs {

using inode_number = std::uint64_t;
inline constexpr inode_number root_inode = 1;

// What a sync promises.
enum class sync_promises : unsigned char {
  // As measured on ext4, xfs and btrfs: fsync of a file carries its names and the directories above
  // them; a name cannot outlive data that was written out before the name was given.
  linux_file_systems,
  // What POSIX says: fsync of a file is about its data, fsync of a directory about its entries.
  posix,
};

// What a crash leaves of the changes that no sync has covered.
enum class crash_keeps : unsigned char { nothing, everything, anything };

// A file or directory as the disk has it.
struct stored_node {
  entry_kind kind = entry_kind::file;
  std::string content;
  std::map<std::string, inode_number, std::less<>> entries;
};
using stored_tree = std::map<inode_number, stored_node>;

// `target` 0: the name was removed.
struct name_change {
  inode_number directory = 0;
  std::string name;
  inode_number target = 0;
};

// Not safe for threads: its owner locks.
class stable_storage {
 public:
  explicit stable_storage(sync_promises promises);

  // Something happened in memory; it is on the way to the disk from now on. The changes of one call
  // survive together or not at all.
  void change_names(std::vector<name_change> changes, entry_kind kind_of_target);
  // The content of a file was sent to the disk.
  void write_out(inode_number file, std::string content);

  void sync_data(inode_number file);
  void sync_file(inode_number file);
  void sync_directory(inode_number directory);
  void sync_everything();

  // The disk after a power cut: what was promised, and of the rest what `keeps` says (`anything`:
  // any allowed part of it, chosen by `chance`). Nothing is on the way afterwards.
  [[nodiscard]] const stored_tree& crash(crash_keeps keeps, std::mt19937_64& chance);
  // The disk if the power were cut now and luck were bad.
  [[nodiscard]] const stored_tree& promised() const { return disk_; }

 private:
  struct record {
    std::vector<name_change> names; // empty: content of `file`
    entry_kind kind = entry_kind::file;
    inode_number file = 0;
    std::string content = {};
  };
  [[nodiscard]] bool needs(const record& later, const record& earlier) const;
  void commit(std::vector<bool> chosen);
  void apply(record& r);

  sync_promises promises_;
  stored_tree disk_;
  std::vector<record> pending_; // in the order in which they happened
};

} // namespace homeward::fs
