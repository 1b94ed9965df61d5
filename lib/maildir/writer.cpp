#include "lib/maildir/writer.hpp"

#include <utility>

#include "lib/base/escape.hpp"
#include "lib/maildir/batch.hpp"
#include "lib/maildir/filing_plan.hpp"

namespace homeward::maildir {

writer::writer(const partition& where, filing_settings settings)
    : partition_(&where), settings_(settings),
      shelf_(where, settings.recipe == sync_recipe::strict) {}

std::vector<result<filed>> writer::deliver(const filing& what,
                                           std::span<const std::string> mailboxes) {
  std::vector<result<filed>> results(
      mailboxes.size(), transient_failure("the message has no valid name", escape(what.name)));
  if (!is_message_name(what.name)) {
    return results;
  }
  const filing_plan plan =
      plan_filing(partition_->paths(), settings_.header, what.sender, mailboxes);
  const filing_tools tools{*partition_, settings_, shelf_, unnamed_files_};
  std::vector<result<filed>> by_path(plan.paths.size(), transient_failure("not filed"));
  for (const planned_file& file : plan.files) {
    std::vector<std::string> paths;
    for (const std::size_t index : file.paths) {
      paths.push_back(plan.paths[index]);
    }
    auto outcomes = batch(tools, what, file.trace).run(paths);
    for (std::size_t i = 0; i < paths.size(); ++i) {
      by_path[file.paths[i]] = std::move(outcomes[i]);
    }
  }
  for (std::size_t i = 0; i < mailboxes.size(); ++i) {
    const auto& path = plan.path_of[i];
    results[i] = path ? by_path[*path] : result<filed>(path.error());
  }
  return results;
}

result<void> writer::withdraw(std::string_view mailbox, std::string_view file_name) {
  const auto path = partition_->paths().expand(mailbox);
  if (!path) {
    return path.error();
  }
  if (const auto removed = shelf_.take_out(*path, file_name); !removed) {
    return fs::to_failure(removed.error(), escape(*path));
  }
  return {};
}

} // namespace homeward::maildir
