#pragma once
// A read-only copy of any directory as one plain SQLite file, for other programs (Postfix sqlite:
// maps, Dovecot SQL) that must not get write access to the directory itself. It has no side files,
// and is replaced as a whole by rename, so that a reader sees one state or the next.
// docs/format/directory.md.

#include <string>

#include "lib/base/failure.hpp"
#include "lib/directory/engine.hpp"
#include "lib/fs/file_system.hpp"

namespace homeward::directory {

// Writes what `source` holds now to `target` (an absolute path), readable with the permission bits
// `mode`. Returns the position it has.
[[nodiscard]] result<position> publish_snapshot(fs::file_system& disk, engine& source,
                                                const std::string& target, unsigned mode = 0644);

} // namespace homeward::directory
