#include "lib/maildir/message_finder.hpp"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <utility>

#include "lib/base/random.hpp"

namespace homeward::maildir {

namespace {

constexpr std::size_t empty_weight = 16; // what a listing without entries takes

} // namespace

bool message_finder::listing::mentions(std::uint64_t hash) const {
  const auto first =
      std::lower_bound(seen.begin(), seen.end(), seen_message{.hash = hash, .flags = 0});
  return std::binary_search(fresh.begin(), fresh.end(), hash) || more.contains(hash) ||
         (first != seen.end() && first->hash == hash);
}

std::size_t message_finder::listing::weight() const {
  return empty_weight + fresh.size() + seen.size() + more.size();
}

message_finder::message_finder(fs::file_system& files, shelf& maildirs, std::size_t limit)
    : files_(files), maildirs_(maildirs), limit_(limit), salt_(random_hex(16)) {}

fs::io_result<found_message> message_finder::find(const std::string& path,
                                                  const std::string& file_name) {
  const std::uint64_t hash = hash_of(file_name);
  bool mentioned = false;
  // What is known of the Maildir may be older than what a reader has done: then it is listed again,
  // once. A message that it never mentioned was not there when new/ was listed, and nobody but us
  // can have put it there since.
  for (const bool again : {false, true}) {
    auto in_new = look_in_new(path, file_name);
    if (!in_new || in_new->at != found_message::place::nowhere) {
      return in_new;
    }
    if (again) {
      forget(path);
    }
    const auto known = listing_of(path);
    if (!known) {
      return known.error();
    }
    auto in_cur = look_in_cur(path, file_name, **known);
    if (!in_cur || in_cur->at != found_message::place::nowhere) {
      return in_cur;
    }
    mentioned = mentioned || (*known)->mentions(hash);
    if (!mentioned) {
      return found_message{};
    }
  }
  note(path, file_name);
  found_message gone;
  gone.at = found_message::place::taken_away;
  return gone;
}

fs::io_result<found_message> message_finder::look_in_new(const std::string& path,
                                                         const std::string& file_name) {
  found_message found;
  auto folder = maildirs_.open_existing(path, "new");
  if (!folder) {
    return folder.error() == ENOENT ? fs::io_result<found_message>(std::move(found))
                                    : folder.error();
  }
  const auto status = files_.status_at(*folder, file_name);
  if (!status && status.error().number != ENOENT) {
    return status.error();
  }
  if (status) {
    found = {found_message::place::in_new, std::move(*folder), file_name};
  }
  return found;
}

fs::io_result<found_message> message_finder::look_in_cur(const std::string& path,
                                                         const std::string& file_name,
                                                         const listing& known) {
  found_message found;
  const std::uint64_t hash = hash_of(file_name);
  auto at = std::lower_bound(known.seen.begin(), known.seen.end(),
                             seen_message{.hash = hash, .flags = 0});
  if (at == known.seen.end() || at->hash != hash) {
    return found;
  }
  auto folder = maildirs_.open_existing(path, "cur");
  if (!folder) {
    return folder.error() == ENOENT ? fs::io_result<found_message>(std::move(found))
                                    : folder.error();
  }
  for (; at != known.seen.end() && at->hash == hash; ++at) {
    std::string name = file_name + flags_[at->flags];
    const auto status = files_.status_at(*folder, name);
    if (!status && status.error().number != ENOENT) {
      return status.error();
    }
    if (status) {
      found = {found_message::place::in_cur, std::move(*folder), std::move(name)};
      return found;
    }
  }
  return found;
}

fs::io_result<found_message> message_finder::find_in_cur(const std::string& path,
                                                         const std::string& file_name) {
  const auto known = listing_of(path);
  return known ? look_in_cur(path, file_name, **known) : known.error();
}

void message_finder::note(const std::string& path, std::string_view file_name) {
  if (const auto known = listings_.find(path); known != listings_.end()) {
    entries_ += known->second.more.insert(hash_of(file_name)).second ? 1U : 0U;
  }
}

fs::io_result<const message_finder::listing*> message_finder::listing_of(const std::string& path) {
  const auto known = listings_.find(path);
  if (known != listings_.end()) {
    return &known->second;
  }
  auto fresh = list(path);
  if (!fresh) {
    return fresh.error();
  }
  const std::size_t weight = fresh->weight();
  if (entries_ + weight > limit_) {
    listings_.clear();
    entries_ = 0;
  }
  entries_ += weight;
  return &listings_.emplace(path, std::move(*fresh)).first->second;
}

void message_finder::forget(const std::string& path) {
  if (const auto known = listings_.find(path); known != listings_.end()) {
    entries_ -= known->second.weight();
    listings_.erase(known);
  }
}

// new/ before cur/, so that a message moved meanwhile is seen at least once; and cur/ twice,
// because a reader that changes flags renames, and a listing may miss what is renamed under it.
fs::io_result<message_finder::listing> message_finder::list(const std::string& path) {
  listing made;
  const auto fresh = entries_of(path, "new");
  if (!fresh) {
    return fresh.error();
  }
  for (const fs::directory_entry& entry : *fresh) {
    made.fresh.push_back(hash_of(entry.name));
  }
  std::sort(made.fresh.begin(), made.fresh.end());
  for (int time = 0; time < 2; ++time) {
    const auto seen = entries_of(path, "cur");
    if (!seen) {
      return seen.error();
    }
    for (const fs::directory_entry& entry : *seen) {
      const std::string_view name = entry.name;
      const std::string_view base = name.substr(0, name.find(':'));
      made.seen.push_back({hash_of(base), index_of(name.substr(base.size()))});
    }
  }
  std::sort(made.seen.begin(), made.seen.end());
  made.seen.erase(std::unique(made.seen.begin(), made.seen.end()), made.seen.end());
  made.seen.shrink_to_fit();
  return made;
}

fs::io_result<std::vector<fs::directory_entry>>
message_finder::entries_of(const std::string& path, std::string_view folder) {
  const auto opened = maildirs_.open_existing(path, folder);
  if (opened) {
    return files_.list(*opened);
  }
  if (opened.error().number != ENOENT) {
    return opened.error();
  }
  return std::vector<fs::directory_entry>();
}

std::uint64_t message_finder::hash_of(std::string_view name) const {
  std::string salted = salt_;
  salted += name;
  return std::hash<std::string>()(salted);
}

std::uint32_t message_finder::index_of(std::string_view flags) {
  const auto known = index_of_flags_.find(flags);
  if (known != index_of_flags_.end()) {
    return known->second;
  }
  const auto index = static_cast<std::uint32_t>(flags_.size());
  flags_.emplace_back(flags);
  index_of_flags_.emplace(flags, index);
  return index;
}

} // namespace homeward::maildir
