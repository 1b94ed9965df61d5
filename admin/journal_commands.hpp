#pragma once
// The verbs of `homewardctl journal`. Looking changes nothing; a store may be at work on it.

#include <cstdint>
#include <string>

#include "lib/fs/file_system.hpp"

#include "admin/opened_journal.hpp"
#include "admin/session.hpp"

namespace homeward::admin {

// What the verbs answer with; docs/operations/homewardctl.md.
inline constexpr exit_code journal_is_torn = exit_code::negative;
inline constexpr exit_code journal_is_damaged = exit_code::refused;

struct journal_export_options {
  std::string target;     // an existing, empty directory
  std::uint64_t from = 1; // the first record
  std::string partition;  // its id; empty: all
  std::string mailbox;    // canonical; empty: all
};

[[nodiscard]] exit_code show_journal(session& s, fs::file_system& files, const opened_journal& of);
[[nodiscard]] exit_code verify_journal(session& s, fs::file_system& files,
                                       const opened_journal& of);
[[nodiscard]] exit_code export_journal(session& s, fs::file_system& files, const opened_journal& of,
                                       const journal_export_options& o);

// Prints what keeps the journal from being read, and says whether that is damage, or a store that
// was faster.
exit_code report_unreadable(session& s, const failure& why);

} // namespace homeward::admin
