#include "lib/maildir/filing_plan.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "lib/base/escape.hpp"
#include "lib/mail/trace.hpp"

namespace homeward::maildir {

namespace {

constexpr std::size_t max_name = 128;

std::string trace_for(std::string_view sender, std::string_view mailbox) {
  std::string trace = mail::return_path_line(sender) + "\n";
  if (!mailbox.empty()) {
    trace += mail::delivered_to_line(mailbox) + "\n";
  }
  return trace;
}

} // namespace

bool is_message_name(std::string_view name) {
  return !name.empty() && name.size() <= max_name && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
         });
}

filing_plan plan_filing(const path_template& paths, delivered_to header, std::string_view sender,
                        std::span<const std::string> mailboxes) {
  filing_plan plan;
  std::vector<std::string_view> owners; // the first mailbox of each path
  std::map<std::string, std::size_t, std::less<>> known;
  for (const std::string& mailbox : mailboxes) {
    auto path = paths.expand(mailbox);
    if (!path) {
      failure why = path.error();
      why.cause = escape(mailbox);
      plan.path_of.emplace_back(why);
      continue;
    }
    const auto [entry, fresh] = known.emplace(*path, plan.paths.size());
    if (fresh) {
      plan.paths.push_back(std::move(*path));
      owners.push_back(mailbox);
    }
    plan.path_of.emplace_back(entry->second);
  }
  if (header == delivered_to::always) {
    for (std::size_t i = 0; i < plan.paths.size(); ++i) {
      plan.files.push_back({.trace = trace_for(sender, owners[i]), .paths = {i}});
    }
  } else if (!plan.paths.empty()) {
    const std::set<std::string_view> different(mailboxes.begin(), mailboxes.end());
    const bool tell = header == delivered_to::single && different.size() == 1;
    planned_file shared{.trace = trace_for(sender, tell ? owners.front() : std::string_view())};
    for (std::size_t i = 0; i < plan.paths.size(); ++i) {
      shared.paths.push_back(i);
    }
    plan.files.push_back(std::move(shared));
  }
  return plan;
}

} // namespace homeward::maildir
