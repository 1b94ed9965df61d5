#pragma once
// The directory in which a drain works: one queue directory for each batch (b1, b2 ...), and a
// lock, so that two drains do not share it. All that a drain knows is in these directories: after a
// crash the next one goes on from them.

#include <string>
#include <vector>

#include "lib/base/failure.hpp"
#include "lib/fs/file_system.hpp"
#include "lib/mta_queue/queue_directory.hpp"

namespace homeward::sendmail_cf {

// Move-only. One process at a time has it.
class workshop {
 public:
  // Makes the directory if it is not there (mode 0700; the one above must be) and locks it. A
  // permanent failure when another drain has it, or when something lies in it that no drain made.
  [[nodiscard]] static result<workshop> open(fs::file_system& files, const std::string& path);
  // The same without a change: what lies there, if anything does.
  [[nodiscard]] static result<std::vector<std::string>> batches_in(fs::file_system& files,
                                                                   const std::string& path);

  [[nodiscard]] const std::string& path() const { return path_; }
  // Batches that an earlier drain left, by path.
  [[nodiscard]] result<std::vector<std::string>> left_batches(fs::file_system& files) const;
  // A new, empty batch; its path.
  [[nodiscard]] result<std::string> make_batch(fs::file_system& files);
  // Removes a batch if nothing is left in it. Whether it is gone.
  [[nodiscard]] bool remove_batch(fs::file_system& files, const std::string& batch);
  // Removes the lock and, if it is empty, the directory. Call it last.
  void remove(fs::file_system& files);

 private:
  std::string path_;
  fs::handle root_;
  fs::handle lock_;
  std::size_t next_ = 1;
};

} // namespace homeward::sendmail_cf
