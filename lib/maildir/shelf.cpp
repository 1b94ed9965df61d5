#include "lib/maildir/shelf.hpp"

#include <cerrno>
#include <utility>

#include "lib/base/escape.hpp"

namespace homeward::maildir {

namespace {

failure missing_maildir(const std::string& path) {
  return transient_failure("the mailbox has no Maildir in its place", escape(path) + " is missing",
                           "Is the volume mounted? If the user is new there, make the Maildir "
                           "(tmp, new, cur) by hand.");
}

// Counts a thread as a maker for as long as it lives.
class maker_count {
 public:
  explicit maker_count(std::atomic<unsigned>& count) : count_(count) { ++count_; }
  ~maker_count() { --count_; }
  maker_count(const maker_count&) = delete;
  maker_count& operator=(const maker_count&) = delete;

 private:
  std::atomic<unsigned>& count_;
};

} // namespace

fs::io_result<fs::handle> shelf::open_existing(const std::string& path, std::string_view folder) {
  return partition_->files().open_at(partition_->root(), path + "/" + std::string(folder),
                                     fs::open_mode::directory);
}

result<fs::handle> shelf::open_or_make(const std::string& path, std::string_view folder) {
  auto opened = open_existing(path, folder);
  if (!opened && opened.error() == ENOENT) {
    if (!partition_->makes_maildirs()) {
      return missing_maildir(path);
    }
    const maker_count counted(makers_);
    const std::lock_guard lock(making_);
    if (const auto made = make(path); !made) {
      return fs::to_failure(made.error(), escape(path));
    }
    opened = open_existing(path, folder);
  } else if (opened && synced_ && makers_ > 0) {
    // It may be half made: visible already, its directory entries not yet synced.
    const std::lock_guard wait(making_);
  }
  if (!opened) {
    return fs::to_failure(opened.error(), escape(path));
  }
  return std::move(*opened);
}

fs::io_result<fs::handle> shelf::enter(const fs::handle& directory, std::string_view name,
                                       bool synced) {
  fs::file_system& files = partition_->files();
  const auto made = files.make_directory_at(directory, name);
  if (!made && made.error().number != EEXIST) {
    return made.error();
  }
  // Synced even when it was there before: whoever made it may have died before its sync.
  if (synced) {
    if (const auto durable = files.sync_all(directory); !durable) {
      if (made) { // not to be mistaken for a durable one later
        (void)files.remove_directory_at(directory, name);
      }
      return durable.error();
    }
  }
  return files.open_at(directory, name, fs::open_mode::directory);
}

fs::io_result<void> shelf::make(std::string_view path) {
  const fs::handle* parent = &partition_->root();
  fs::handle current;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    auto next = enter(*parent, path.substr(0, slash), synced_);
    if (!next) {
      return next.error();
    }
    current = std::move(*next);
    parent = &current;
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  // new/ last, and one sync for the three: when it is there, everything is.
  for (const std::string_view folder : {"tmp", "cur", "new"}) {
    if (const auto made = enter(*parent, folder, synced_ && folder == "new"); !made) {
      return made.error();
    }
  }
  return {};
}

fs::io_result<void> shelf::take_out(const std::string& path, std::string_view file_name) {
  fs::file_system& files = partition_->files();
  const auto fresh = open_existing(path, "new");
  if (!fresh) {
    return fresh.error() == ENOENT ? fs::io_result<void>() : fresh.error();
  }
  const auto removed = files.unlink_at(*fresh, file_name);
  if (removed || removed.error().number != ENOENT) {
    return removed;
  }
  const auto seen = open_existing(path, "cur");
  if (!seen) {
    return seen.error() == ENOENT ? fs::io_result<void>() : seen.error();
  }
  // A reader that changes flags renames the file between our list and our unlink: look again.
  for (int attempt = 0; attempt < 3; ++attempt) {
    const auto entries = files.list(*seen);
    if (!entries) {
      return entries.error();
    }
    const std::string prefix = std::string(file_name) + ":";
    for (const fs::directory_entry& entry : *entries) {
      if (entry.name == file_name || entry.name.starts_with(prefix)) {
        const auto gone = files.unlink_at(*seen, entry.name);
        if (gone || gone.error().number != ENOENT) {
          return gone;
        }
      }
    }
  }
  return {};
}

} // namespace homeward::maildir
