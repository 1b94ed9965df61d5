#pragma once
// A file copied to another file system so that its name never means half of it.

#include <string_view>

#include "lib/fs/file_system.hpp"

namespace homeward::mta_queue {

enum class locking : bool { no, yes };

// Copies the whole of `source` and gives the copy its name when its octets are on stable storage;
// never replaces (EEXIST). The name itself is durable only when the directory is synced. With
// `locking` the copy is locked with flock before it has its name. The copy belongs to this process
// and has mode 0600. Where the file system has no files without a name (NFS), it is written under
// "hw<inode of the source>" first, which sendmail ignores and the next attempt replaces: the caller
// holds a lock on the job. Returns the open copy.
[[nodiscard]] fs::io_result<fs::handle> copy_file(fs::file_system& files, const fs::handle& source,
                                                  const fs::handle& directory,
                                                  std::string_view name,
                                                  locking lock = locking::no);

// Whether the octets of two files are the same.
[[nodiscard]] fs::io_result<bool> equal_files(fs::file_system& files, const fs::handle& a,
                                              const fs::handle& b);

} // namespace homeward::mta_queue
