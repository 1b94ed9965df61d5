#pragma once
// The queues of this host, whichever MTA has them: where they are, and everything that waits there.

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/failure.hpp"
#include "lib/fs/file_system.hpp"
#include "lib/mta_queue/queue_summary.hpp"

namespace homeward::admin {

// What was asked for on the command line; all empty: what is found on the host.
struct queue_options {
  std::vector<std::string> sendmail_queues; // patterns of directories
  std::vector<std::string> sendmail_cfs;    // files that name them
  std::vector<std::string> postfix;         // configuration directories of instances
};

// Directories of sendmail that belong together.
struct sendmail_queue {
  std::string label; // queue group, tier, or the pattern
  std::string pattern;
};

struct queue_sources {
  std::vector<sendmail_queue> sendmail;
  std::vector<std::string> postfix;
};

// The queues to look at. Without options: those of /etc/mail/sendmail.cf and of the queue farm
// (/etc/mail/homeward-farm/*.cf), and of the instances that postmulti knows, as far as they are
// there. A failure when a file that was named cannot be read, or when no queue is known at all.
[[nodiscard]] result<queue_sources> find_queues(const queue_options& options);

// Counts all that waits in one source. A directory that several sources name is counted by the
// caller's first one: `seen` remembers them.
[[nodiscard]] result<void> count_sendmail(fs::file_system& files, const sendmail_queue& queue,
                                          std::vector<std::string>& seen,
                                          mta_queue::queue_summary& into);
// Asks postqueue of the instance; the MTA need not run.
[[nodiscard]] result<void> count_postfix(const std::string& config_directory,
                                         mta_queue::queue_summary& into);

} // namespace homeward::admin
