#pragma once
// The Maildirs of a partition as directories: opened beneath its root, made when they are missing.

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>

#include "lib/fs/file_system.hpp"
#include "lib/maildir/partition.hpp"

namespace homeward::maildir {

// Threads: any number at once. The partition must outlive it.
class shelf {
 public:
  // `synced`: a Maildir that was made is durable, with all directories above it, before open_new()
  // returns it; otherwise only a later sync of a file in it makes it so.
  shelf(const partition& where, bool synced) : partition_(&where), synced_(synced) {}

  // The new/ of the Maildir at `path` (relative, from path_template::expand). Makes the Maildir
  // (tmp, cur, new) if it is missing and the partition makes any; else the failure says so.
  [[nodiscard]] result<fs::handle> open_new(const std::string& path) {
    return open_or_make(path, "new");
  }
  // The same for "cur" and "tmp", which a power cut may have left out of a Maildir that has a new/.
  [[nodiscard]] result<fs::handle> open_or_make(const std::string& path, std::string_view folder);
  // "new", "cur" or "tmp" of an existing Maildir.
  [[nodiscard]] fs::io_result<fs::handle> open_existing(const std::string& path,
                                                        std::string_view folder);
  // Removes a message from new/ or, where a reader moved it, from cur/ whatever its flags. Not
  // found is success.
  [[nodiscard]] fs::io_result<void> take_out(const std::string& path, std::string_view file_name);

 private:
  [[nodiscard]] fs::io_result<void> make(std::string_view path);
  [[nodiscard]] fs::io_result<fs::handle> enter(const fs::handle& directory, std::string_view name,
                                                bool synced);

  const partition* partition_;
  bool synced_;
  std::mutex making_;               // held while a Maildir is made and synced
  std::atomic<unsigned> makers_{0}; // threads that hold or want making_
};

} // namespace homeward::maildir
