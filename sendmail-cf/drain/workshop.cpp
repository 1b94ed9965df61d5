#include "sendmail-cf/drain/workshop.hpp"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "lib/base/escape.hpp"

namespace homeward::sendmail_cf {

namespace {

constexpr const char* lock_name = ".homeward-drain";

bool is_batch(std::string_view name) {
  return name.size() >= 2 && name.size() <= 12 && name.front() == 'b' &&
         name.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

failure trouble(const std::string& path, const fs::io_error& e, const char* advice) {
  failure f = fs::to_failure(e, path);
  f.what = "the working directory " + escape(path, 400) + " cannot be used";
  f.advice = advice;
  return f;
}

// The name of a batch or the lock, or else a failure.
result<std::vector<std::string>> batches_of(fs::file_system& files, const fs::handle& root,
                                            const std::string& path) {
  const auto entries = files.list(root);
  if (!entries) {
    return trouble(path, entries.error(), "Look at it, then run the drain again.");
  }
  std::vector<std::string> batches;
  for (const fs::directory_entry& e : *entries) {
    if (is_batch(e.name) && e.kind == fs::entry_kind::directory) {
      batches.push_back(path + '/' + e.name);
    } else if (e.name != lock_name) {
      failure f = permanent_failure(failure_reason::perm,
                                    fmt::format("{} holds {}, which no drain has made",
                                                escape(path, 400), escape(e.name, 100)));
      f.advice = "Name a directory that is empty or does not exist yet, on the file system of the "
                 "queue.";
      return f;
    }
  }
  std::sort(batches.begin(), batches.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  });
  return batches;
}

} // namespace

result<workshop> workshop::open(fs::file_system& files, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (path.size() < 2 || path.front() != '/' || slash + 1 == path.size()) {
    failure f = permanent_failure(failure_reason::perm,
                                  "\"" + escape(path, 200) + "\" is no path for a directory");
    f.advice = "Write it as /var/spool/homeward-drain.";
    return f;
  }
  workshop w;
  w.path_ = path;
  const auto above = files.open_directory(slash == 0 ? "/" : path.substr(0, slash));
  if (!above) {
    return trouble(path, above.error(), "The directory above it must exist.");
  }
  const auto made = files.make_directory_at(*above, path.substr(slash + 1));
  if (!made && made.error().number != EEXIST) {
    return trouble(path, made.error(), "Run it as root, or as the account that owns the queue.");
  }
  auto root = files.open_directory(path);
  if (!root) {
    return trouble(path, root.error(), "Name a directory.");
  }
  w.root_ = std::move(*root);
  if (const auto known = batches_of(files, w.root_, path); known.has_error()) {
    return known.error();
  }
  auto lock = files.open_at(w.root_, lock_name, fs::open_mode::create_new);
  if (!lock && lock.error() == EEXIST) {
    lock = files.open_at(w.root_, lock_name, fs::open_mode::read_write);
  }
  if (!lock) {
    return trouble(path, lock.error(), "Run it as root, or as the account that owns the queue.");
  }
  if (const auto locked = files.try_lock(*lock); !locked) {
    failure f =
        permanent_failure(failure_reason::perm, "another drain is at work in " + escape(path, 400));
    f.advice = "Wait for it, or give this one a working directory of its own.";
    return f;
  }
  w.lock_ = std::move(*lock);
  return w;
}

result<std::vector<std::string>> workshop::batches_in(fs::file_system& files,
                                                      const std::string& path) {
  const auto root = files.open_directory(path);
  if (!root && root.error() == ENOENT) {
    return std::vector<std::string>{};
  }
  return root ? batches_of(files, *root, path) : trouble(path, root.error(), "Name a directory.");
}

result<std::vector<std::string>> workshop::left_batches(fs::file_system& files) const {
  return batches_of(files, root_, path_);
}

result<std::string> workshop::make_batch(fs::file_system& files) {
  for (;; ++next_) {
    const std::string name = fmt::format("b{}", next_);
    const auto made = files.make_directory_at(root_, name);
    if (made) {
      const auto synced = files.sync_all(root_);
      return synced ? result<std::string>(path_ + '/' + name)
                    : trouble(path_, synced.error(), "Look at the disk (dmesg).");
    }
    if (made.error().number != EEXIST) {
      return trouble(path_, made.error(), "Look at the disk: room, inodes, dmesg.");
    }
  }
}

bool workshop::remove_batch(fs::file_system& files, const std::string& batch) {
  return files.remove_directory_at(root_, batch.substr(batch.rfind('/') + 1)).has_value();
}

void workshop::remove(fs::file_system& files) {
  const auto left = batches_of(files, root_, path_);
  if (left.has_error() || !left->empty()) {
    return;
  }
  (void)files.unlink_at(root_, lock_name);
  const std::size_t slash = path_.rfind('/');
  const auto above = files.open_directory(slash == 0 ? "/" : path_.substr(0, slash));
  if (above) {
    (void)files.remove_directory_at(*above, path_.substr(slash + 1));
  }
}

} // namespace homeward::sendmail_cf
