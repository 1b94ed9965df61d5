#include "lib/maildir/restorer.hpp"

#include <optional>
#include <utility>

#include "lib/base/escape.hpp"
#include "lib/maildir/filing_plan.hpp"
#include "lib/maildir/restoration.hpp"

namespace homeward::maildir {

restorer::restorer(const partition& where)
    : partition_(&where), shelf_(where, false), finder_(where.files(), shelf_) {}

std::vector<result<restored>> restorer::restore(const filing& what, delivered_to header,
                                                std::span<const std::string> mailboxes,
                                                std::span<const std::size_t> wanted,
                                                restore_mode mode) {
  std::vector<result<restored>> results(
      wanted.size(), transient_failure("the message has no valid name", escape(what.name)));
  if (!is_message_name(what.name)) {
    return results;
  }
  const filing_plan plan = plan_filing(partition_->paths(), header, what.sender, mailboxes);
  std::vector<std::optional<result<restored>>> by_path(plan.paths.size());
  std::vector<bool> is_wanted(plan.paths.size(), false);
  for (const std::size_t mailbox : wanted) {
    if (const auto& path = plan.path_of[mailbox]; path) {
      is_wanted[*path] = true;
    }
  }
  const restoring_tools tools{*partition_, shelf_, finder_, unnamed_files_};
  for (const planned_file& file : plan.files) {
    restoration one(tools, what, file.trace, mode);
    for (const std::size_t path : file.paths) {
      if (is_wanted[path]) {
        by_path[path] = one.restore_in(plan.paths[path]);
      }
    }
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto& path = plan.path_of[wanted[i]];
    results[i] = path ? *by_path[*path] : result<restored>(path.error());
  }
  return results;
}

} // namespace homeward::maildir
