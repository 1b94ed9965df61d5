#include "lib/maildir/staged_file.hpp"

#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "lib/base/random.hpp"

namespace homeward::maildir {

fs::io_result<void> staged_file::create(const std::string& path, const fs::handle& folder,
                                        std::string_view name) {
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
  std::string different = fmt::format("{}.{}", name, random_hex(8));
  auto created = files_.open_at(*temporary, different, fs::open_mode::create_new);
  if (!created) {
    return created.error();
  }
  file_ = std::move(*created);
  temporary_ = std::move(*temporary);
  name_ = std::move(different);
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
