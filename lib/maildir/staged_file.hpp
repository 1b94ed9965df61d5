#pragma once
// A message file before it has a name that a reader sees: without any name where the volume can do
// it, so that nothing is left behind whatever happens to us; else in tmp/, where readers clean up
// after 36 hours. Inside of lib/maildir.

#include <atomic>
#include <string>

#include "lib/fs/file_system.hpp"
#include "lib/maildir/shelf.hpp"

namespace homeward::maildir {

// One thread. `unnamed_files` turns false once the volume has said that it has none. The destructor
// removes the name in tmp/; if that fails it stays there, where no reader looks.
class staged_file {
 public:
  staged_file(fs::file_system& files, shelf& maildirs, std::atomic<bool>& unnamed_files)
      : files_(files), maildirs_(maildirs), unnamed_files_(unnamed_files) {}
  ~staged_file() { remove_name(); }
  staged_file(const staged_file&) = delete;
  staged_file& operator=(const staged_file&) = delete;

  // Makes it on the volume of `folder`, a folder of the Maildir at `path`. A file staged before is
  // dropped. `name`: begins the name in tmp/, if there is one; the rest of it is random.
  [[nodiscard]] fs::io_result<void> create(const std::string& path, const fs::handle& folder,
                                           std::string_view name);
  // Closed: nothing is staged.
  [[nodiscard]] const fs::handle& handle() const { return file_; }
  // It has a name in tmp/.
  [[nodiscard]] bool has_name() const { return !name_.empty(); }
  void remove_name();
  // Removes the name and closes the file.
  void drop();

 private:
  fs::file_system& files_;
  shelf& maildirs_;
  std::atomic<bool>& unnamed_files_;
  fs::handle file_;
  fs::handle temporary_; // tmp/, where it has a name
  std::string name_;
};

} // namespace homeward::maildir
