#pragma once
// Where the journal of a partition lies, as the partition itself knows it.

#include <optional>
#include <string>

#include "lib/maildir/partition.hpp"

namespace homeward::journal {

// What a partition holds of a journal: its own directory, or the note of another one.
struct journal_place {
  bool own = false;
  std::optional<std::string> noted; // absolute path
};

[[nodiscard]] result<journal_place> read_place(const maildir::partition& where);
// The directory of the partition's own journal.
[[nodiscard]] std::string own_directory(const maildir::partition& where);
// Durably.
[[nodiscard]] result<void> write_note(const maildir::partition& where,
                                      const std::string& directory);
[[nodiscard]] result<void> remove_note(const maildir::partition& where);

} // namespace homeward::journal
