#pragma once
// What a delivery means for a partition, before anything is touched: which files are made, with
// which header lines, and in which Maildirs each of them gets a name. The same transaction always
// gives the same plan: writer files by it, restorer files the same again after a crash.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/maildir/path_template.hpp"
#include "lib/maildir/writer.hpp"

namespace homeward::maildir {

// One file and the Maildirs that share it.
struct planned_file {
  std::string trace;              // header lines, each ending in LF
  std::vector<std::size_t> paths; // indexes into filing_plan::paths
};

struct filing_plan {
  std::vector<std::string> paths;  // Maildirs, all different, in the order of the mailboxes
  std::vector<planned_file> files; // every path belongs to exactly one of them
  std::vector<result<std::size_t>> path_of; // per mailbox: index into paths, or why it has none
};

// A name that a reader would not show, or that says something else to it, must not reach the disk.
[[nodiscard]] bool is_message_name(std::string_view name);

// `mailboxes`: all of the transaction, because `single` depends on their number.
[[nodiscard]] filing_plan plan_filing(const path_template& paths, delivered_to header,
                                      std::string_view sender,
                                      std::span<const std::string> mailboxes);

} // namespace homeward::maildir
