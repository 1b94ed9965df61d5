#pragma once
// What the forgetting file system is made of, for its two source files.

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "lib/fs/forgetting_file_system.hpp"

namespace homeward::fs {

// A file or directory as running programs see it, before any crash.
struct forgetting_file_system::node {
  inode_number inode = 0;
  entry_kind kind = entry_kind::file;
  std::string content;
  std::string sent; // content as it was last sent to the disk
  std::map<std::string, node_pointer, std::less<>> entries;
  std::uint32_t links = 0;
  std::uint32_t handles = 0; // that are open
  int locked_by = 0;         // the number of a handle; 0: not locked
  int flocked_by = 0;        // the same for the other kind of lock
  std::uint64_t device = 1;  // the volume it is on
  std::int64_t modified = 0; // seconds
  bool changed = false;      // content is not what was sent
  bool removed = false;      // an unlinked file or directory: no new names for it, none in it
};

struct forgetting_file_system::open_file {
  node_pointer what;
  bool writable = false;
};

} // namespace homeward::fs
