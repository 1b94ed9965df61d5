#include "lmtp-bridge/delivery/path_homes.hpp"

#include <utility>

namespace homeward::bridge {

namespace sp = store_protocol;

path_homes::shelf::shelf(std::string at, maildir::partition p)
    : path(std::move(at)), partition(std::move(p)),
      writer(partition,
             {.recipe = maildir::sync_recipe::strict, .taken = maildir::when_taken::is_repeat}) {}

path_homes::path_homes(fs::file_system& files, maildir::path_template paths)
    : files_(files), paths_(std::move(paths)) {}

result<std::shared_ptr<path_homes::shelf>> path_homes::shelf_of(const directory::partition& where) {
  const std::string name = to_string(where.id);
  {
    const std::lock_guard lock(mutex_);
    const auto known = shelves_.find(name);
    // A tree that was unmounted and mounted again is another directory: look before each use.
    if (known != shelves_.end() && known->second->path == where.path &&
        known->second->partition.check()) {
      return known->second;
    }
  }
  result<maildir::partition> opened =
      maildir::partition::open_plain(files_, where.path, name, paths_);
  if (!opened) {
    return opened.error();
  }
  auto made = std::make_shared<shelf>(where.path, std::move(*opened));
  const std::lock_guard lock(mutex_);
  shelves_[name] = made;
  return made;
}

std::vector<sp::outcome> path_homes::deliver(const directory::partition& where,
                                             const sp::envelope& envelope,
                                             const fs::message_spool& message) {
  const result<std::shared_ptr<shelf>> found = shelf_of(where);
  if (!found) {
    return {envelope.recipients.size(), sp::outcome(found.error())};
  }
  std::vector<std::string> mailboxes;
  mailboxes.reserve(envelope.recipients.size());
  for (const sp::recipient& r : envelope.recipients) {
    mailboxes.push_back(r.mailbox);
  }
  const std::string name = to_string(envelope.name);
  const auto filed = (*found)->writer.deliver(
      {.message = &message, .name = name, .sender = envelope.sender}, mailboxes);
  std::vector<sp::outcome> outcomes;
  outcomes.reserve(filed.size());
  for (const result<maildir::filed>& f : filed) {
    if (f) {
      outcomes.emplace_back(sp::stored_as{.name = name, .repeat = f->repeat});
    } else {
      outcomes.emplace_back(f.error());
    }
  }
  return outcomes;
}

} // namespace homeward::bridge
