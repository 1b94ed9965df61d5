#include "lib/maildir/writer.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "lib/base/escape.hpp"
#include "lib/mail/trace.hpp"
#include "lib/maildir/batch.hpp"

namespace homeward::maildir {

namespace {

constexpr std::size_t max_name = 128;

// A name that a reader would not show, or that says something else to it, must not reach the disk.
bool is_message_name(std::string_view name) {
  return !name.empty() && name.size() <= max_name && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
         });
}

std::string trace_for(std::string_view sender, std::string_view mailbox) {
  std::string trace = mail::return_path_line(sender) + "\n";
  if (!mailbox.empty()) {
    trace += mail::delivered_to_line(mailbox) + "\n";
  }
  return trace;
}

// The mailboxes of a delivery by the path of their Maildir, in the order in which they came.
struct plan {
  std::vector<std::string> paths;                  // all different
  std::vector<std::string_view> owners;            // the first mailbox of each path
  std::vector<std::optional<std::size_t>> path_of; // per mailbox; none: it failed
};

plan make_plan(const path_template& paths, std::span<const std::string> mailboxes,
               std::vector<result<filed>>& results) {
  plan made;
  std::map<std::string, std::size_t, std::less<>> known;
  for (std::size_t i = 0; i < mailboxes.size(); ++i) {
    auto path = paths.expand(mailboxes[i]);
    if (!path) {
      failure why = path.error();
      why.cause = escape(mailboxes[i]);
      results[i] = why;
      made.path_of.emplace_back();
      continue;
    }
    const auto [entry, fresh] = known.emplace(*path, made.paths.size());
    if (fresh) {
      made.paths.push_back(*path);
      made.owners.push_back(mailboxes[i]);
    }
    made.path_of.emplace_back(entry->second);
  }
  return made;
}

} // namespace

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
  const plan p = make_plan(partition_->paths(), mailboxes, results);
  const filing_tools tools{*partition_, settings_, shelf_, unnamed_files_};
  const std::set<std::string_view> different(mailboxes.begin(), mailboxes.end());

  std::vector<result<filed>> by_path;
  if (settings_.header == delivered_to::always) {
    for (std::size_t i = 0; i < p.paths.size(); ++i) {
      batch one(tools, what, trace_for(what.sender, p.owners[i]));
      by_path.push_back(std::move(one.run({p.paths[i]}).front()));
    }
  } else if (!p.paths.empty()) {
    const bool tell = settings_.header == delivered_to::single && different.size() == 1;
    batch all(tools, what, trace_for(what.sender, tell ? p.owners.front() : std::string_view()));
    by_path = all.run(p.paths);
  }
  for (std::size_t i = 0; i < mailboxes.size(); ++i) {
    if (p.path_of[i]) {
      results[i] = by_path[*p.path_of[i]];
    }
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
