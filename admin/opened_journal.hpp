#pragma once
// Finds the journal that a person names on the command line, to look at it. Nothing is changed, no
// lock is taken: a store may be at work on it.

#include <string>

#include "lib/base/failure.hpp"
#include "lib/fs/file_system.hpp"

namespace homeward::admin {

struct opened_journal {
  std::string path; // absolute
  fs::handle directory;
};

// `where`: a partition, whose journal may lie in another one of the same volume, or the journal's
// own directory. A transient failure with advice when there is none.
[[nodiscard]] result<opened_journal> open_journal(fs::file_system& files, const std::string& where);

// The whole of a small file beside the segments.
[[nodiscard]] result<std::string> read_whole(fs::file_system& files, const fs::handle& directory,
                                             const std::string& name);

} // namespace homeward::admin
