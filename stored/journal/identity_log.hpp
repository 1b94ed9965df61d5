#pragma once
// The identities of settled deliveries on disk, so that a repeat is known after a restart: files
// "identities-<number>" in the journal directory. Every checkpoint appends those settled since the
// last one; the sync of the checkpoint covers them. Identities of records above the checkpoint are
// in the records themselves. docs/format/journal.md.

#include <chrono>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "lib/base/byte_count.hpp"
#include "lib/base/failure.hpp"
#include "lib/fs/file_system.hpp"

#include "stored/journal/directory_layout.hpp"
#include "stored/journal/identity_block.hpp"

namespace homeward::journal {

// What is kept on disk.
struct identity_retention {
  std::chrono::seconds age = std::chrono::hours(24 * 7);
  byte_count octets{std::uint64_t{64} << 20U};
};

// One thread at a time. `files` and `directory` must outlive it.
class identity_log {
 public:
  // `file_octets`: of each file, which is reserved in advance.
  identity_log(fs::file_system& files, const fs::handle& directory, std::uint64_t file_octets);

  // Reads all files. A block that is not whole was being written when the machine died: what is
  // behind it in that file was never relied on. Then cuts the last file to what it holds, and goes
  // on in a new one. Fails when the disk does.
  [[nodiscard]] result<void> load(const identity_visitor& visit);

  // Adds a block, not synced. On a failure (a full disk) nothing was added; the same may be
  // appended again later.
  [[nodiscard]] result<void> append(std::span<const logged_identity> identities, std::uint64_t now);
  // Removes files that hold only identities older than the age, and the oldest ones beyond the
  // octets.
  void prune(identity_retention keep, std::uint64_t now);

 private:
  struct log_file {
    std::string name;
    std::uint64_t used = 0;
    std::uint64_t newest = 0; // Unix seconds
  };
  [[nodiscard]] result<void> load_one(log_file& f, const identity_visitor& visit);
  [[nodiscard]] result<void> begin_file(std::uint64_t at_least);
  [[nodiscard]] result<void> append_block(std::span<const logged_identity> part, std::uint64_t now);

  fs::file_system& files_;
  const fs::handle& directory_;
  std::uint64_t file_octets_;
  std::deque<log_file> all_; // by number; the last one is being written when current_ is open
  fs::handle current_;
  std::uint64_t current_size_ = 0;
  std::uint64_t next_number_ = 1;
};

} // namespace homeward::journal
