#pragma once
// Where a sendmail.cf puts its queues: the option QueueDirectory and the queue groups (Q lines).

#include <string>
#include <string_view>
#include <vector>

namespace homeward::mta_queue {

struct queue_group {
  std::string name;    // "mqueue" is the one that every sendmail has
  std::string pattern; // "/var/spool/mqueue/q*"
};

// The groups in the order of the file; a group without a path of its own, and the one that every
// sendmail has, lies in QueueDirectory. A relative path is below QueueDirectory's. Empty when the
// text names no queue at all. Never fails: what is no such line is passed over.
[[nodiscard]] std::vector<queue_group> queue_groups_of(std::string_view sendmail_cf);

// Whether a queue group has a path of its own: then sendmail refuses to run with another
// QueueDirectory.
[[nodiscard]] bool has_fixed_queue_paths(std::string_view sendmail_cf);

} // namespace homeward::mta_queue
