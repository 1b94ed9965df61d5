#include "lib/maildir/staged_file.hpp"

#include <cerrno>
#include <utility>

namespace homeward::maildir {

fs::io_result<void> staged_file::create(const std::string& path, const fs::handle& folder,
                                        std::string name) {
  drop();
  if (unnamed_files_) {
    auto unnamed = files_.create_unnamed_at(folder);
    if (unnamed) {
      file_ = std::move(*unnamed);
      return {};
    }
    if (unnamed.error().number != EOPNOTSUPP) {
      return unnamed.error();
    }
    unnamed_files_ = false;
  }
  auto temporary = maildirs_.open_existing(path, "tmp");
  if (!temporary) {
    return temporary.error();
  }
  auto created = files_.open_at(*temporary, name, fs::open_mode::create_new);
  if (!created) {
    return created.error();
  }
  file_ = std::move(*created);
  temporary_ = std::move(*temporary);
  name_ = std::move(name);
  return {};
}

void staged_file::remove_name() {
  if (has_name()) {
    (void)files_.unlink_at(temporary_, name_);
    name_.clear();
    temporary_.close();
  }
}

void staged_file::drop() {
  remove_name();
  file_.close();
}

} // namespace homeward::maildir
