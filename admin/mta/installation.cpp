#include "admin/mta/installation.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "admin/mta/line_diff.hpp"

namespace homeward::admin::mta {

namespace {

namespace stdfs = std::filesystem;

std::string parent_of(const std::string& path) {
  return stdfs::path(path).parent_path().string();
}

bool same_but_time(const file_image& a, const file_image& b) {
  return a.exists == b.exists &&
         (!a.exists ||
          (a.text == b.text && a.attributes.mode == b.attributes.mode &&
           a.attributes.uid == b.attributes.uid && a.attributes.gid == b.attributes.gid));
}

// Owner, mode and labels of the file it replaces; of a neighbour when it is new.
result<file_image> image_after(const file_change& change, const file_image& before) {
  file_image after{.exists = true, .text = change.text, .attributes = before.attributes};
  if (!before.exists) {
    const auto like = read_image(change.like);
    if (!like) {
      return like.error();
    }
    after.attributes = like->attributes;
  }
  return after;
}

result<void> make_directory(const new_directory& d) {
  std::error_code error;
  if (!stdfs::create_directory(d.path, error) && error) {
    return permanent_failure(failure_reason::perm, fmt::format("{} cannot be made", d.path),
                             error.message());
  }
  struct stat above {};
  ::stat(parent_of(d.path).c_str(), &above);
  if (::chown(d.path.c_str(), above.st_uid, above.st_gid) != 0 ||
      ::chmod(d.path.c_str(), d.mode) != 0) {
    return failure_from_errno(errno, "owner of " + d.path);
  }
  return {};
}

std::string attributes_diff(const saved_file& f, const file_image& now) {
  const auto spelled = [](const file_image& i) {
    return i.exists ? fmt::format("mode {:04o}, owner {}:{}\n", i.attributes.mode, i.attributes.uid,
                                  i.attributes.gid)
                    : std::string("no file\n");
  };
  return unified_diff(spelled(f.after), spelled(now), f.path, f.path);
}

void restore_times(const backup& b, const std::vector<file_time>& times) {
  for (std::size_t i = 0; i < b.touched.size(); ++i) {
    // Only where nobody else made or removed a file since.
    if (times[i] == b.touched[i].after) {
      set_directory_time(b.touched[i].path, b.touched[i].before);
    }
  }
}

result<void> restore_file(fs::file_system& files, const saved_file& f) {
  static_cast<void>(remove_file(files, working_name(f.path)));
  if (!f.before.exists) {
    return remove_file(files, f.path);
  }
  const auto now = read_image(f.path);
  if (now && same_but_time(*now, f.before) &&
      now->attributes.changed == f.before.attributes.changed) {
    return {};
  }
  return write_image(files, f.path, f.before, true);
}

} // namespace

result<backup> draft_backup(const plan& p, const std::string& name) {
  backup b;
  b.name = name;
  b.mta = p.mta;
  b.configuration = p.configuration;
  std::set<std::string> directories;
  for (const auto& change : p.changes) {
    auto before = read_image(change.path);
    if (!before) {
      return before.error();
    }
    auto after = image_after(change, *before);
    if (!after) {
      return after.error();
    }
    directories.insert(parent_of(change.path));
    b.files.push_back({.path = change.path,
                       .derived = change.derived,
                       .before = std::move(*before),
                       .after = std::move(*after)});
  }
  for (const auto& d : p.directories) {
    b.directories.push_back(d.path);
    directories.insert(parent_of(d.path));
  }
  for (const auto& directory : directories) {
    b.touched.push_back({directory, directory_time(directory), {}});
  }
  return b;
}

result<void> install(fs::file_system& files, backup_store& store, backup& b, const plan& p) {
  if (auto created = store.create(b); !created) {
    return created;
  }
  for (const auto& d : p.directories) {
    if (auto made = make_directory(d); !made) {
      return made;
    }
  }
  for (const auto& f : b.files) {
    if (auto written = write_image(files, f.path, f.after, false); !written) {
      return written;
    }
  }
  return {};
}

result<void> settle(backup_store& store, backup& b) {
  for (auto& d : b.touched) {
    d.after = directory_time(d.path);
  }
  b.state = backup_state::applied;
  return store.update(b);
}

result<std::vector<foreign_change>> changed_since(const backup& b) {
  std::vector<foreign_change> found;
  for (const auto& f : b.files) {
    const auto now = read_image(f.path);
    if (!now) {
      return now.error();
    }
    if (f.derived || same_but_time(*now, f.after) || same_but_time(*now, f.before)) {
      continue;
    }
    std::string diff = unified_diff(f.after.text, now->text, f.path + " (as applied)", f.path);
    found.push_back({f.path, diff.empty() ? attributes_diff(f, *now) : diff});
  }
  return found;
}

result<void> restore(fs::file_system& files, backup_store& store, backup& b,
                     std::vector<std::string>& left) {
  std::vector<file_time> times;
  for (const auto& d : b.touched) {
    times.push_back(directory_time(d.path));
  }
  // Cut short before it was settled: what the directories looked like cannot be known, and nobody
  // but us was at work.
  const bool cut_short = b.state != backup_state::applied;
  if (b.state != backup_state::rolling_back) {
    b.state = backup_state::rolling_back;
    if (auto noted = store.update(b); !noted) {
      return noted;
    }
  }
  for (auto f = b.files.rbegin(); f != b.files.rend(); ++f) {
    if (auto restored = restore_file(files, *f); !restored) {
      return restored;
    }
  }
  for (auto d = b.directories.rbegin(); d != b.directories.rend(); ++d) {
    std::error_code error;
    stdfs::remove(*d, error);
    if (error && stdfs::exists(*d)) {
      left.push_back(*d);
    }
  }
  if (cut_short) {
    for (const auto& d : b.touched) {
      set_directory_time(d.path, d.before);
    }
  } else {
    restore_times(b, times);
  }
  b.state = backup_state::rolled_back;
  return store.update(b);
}

} // namespace homeward::admin::mta
