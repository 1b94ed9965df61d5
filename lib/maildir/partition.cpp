#include "lib/maildir/partition.hpp"

#include <array>
#include <cerrno>
#include <utility>

#include "lib/base/escape.hpp"

namespace homeward::maildir {

namespace {

constexpr std::size_t identity_limit = 4096; // octets; a larger file is not ours

const std::string mount_advice =
    "Mount the volume of the partition, or make it with \"stored --init-partition\" if it is new.";

failure no_partition(std::string what, std::string cause, std::string advice) {
  failure f = transient_failure(std::move(what), std::move(cause), std::move(advice));
  f.reason = failure_reason::no_partition;
  return f;
}

result<fs::handle> open_root(fs::file_system& files, std::string_view path) {
  auto root = files.open_directory(path);
  if (!root) {
    failure f = fs::to_failure(root.error(), escape(path));
    f.reason = failure_reason::no_partition;
    f.what = "the directory of the partition cannot be opened";
    if (f.advice.empty()) {
      f.advice = mount_advice;
    }
    return f;
  }
  return std::move(*root);
}

result<identity> read_identity(fs::file_system& files, const fs::handle& root,
                               std::string_view path) {
  auto file = files.open_at(root, identity_file_name, fs::open_mode::read);
  if (!file && file.error() == ENOENT) {
    return no_partition("the partition has no identity file",
                        escape(path) + "/" + std::string(identity_file_name) + " is missing",
                        mount_advice);
  }
  if (!file) {
    return fs::to_failure(file.error(), identity_file_name);
  }
  std::array<char, identity_limit> buffer{};
  const auto octets = files.read(*file, 0, buffer);
  if (!octets) {
    return fs::to_failure(octets.error(), identity_file_name);
  }
  auto parsed = parse_identity(std::string_view(buffer.data(), *octets));
  if (!parsed) {
    failure f = parsed.error();
    f.reason = failure_reason::no_partition;
    f.cause += " [" + escape(path) + "/" + std::string(identity_file_name) + "]";
    return f;
  }
  return parsed;
}

result<void> refuse_read_only(fs::file_system& files, const fs::handle& root,
                              std::string_view path) {
  const auto space = files.space(root);
  if (!space) {
    return fs::to_failure(space.error(), escape(path));
  }
  if (space->read_only) {
    return fs::to_failure(fs::io_error{EROFS, "fstatvfs"}, escape(path));
  }
  return {};
}

// Written under another name first: a crash leaves the whole identity or none.
fs::io_result<void> write_identity(fs::file_system& files, const fs::handle& root,
                                   const identity& i) {
  const std::string staged = std::string(identity_file_name) + "." + i.id;
  auto file = files.open_at(root, staged, fs::open_mode::create_new);
  if (!file) {
    return file.error();
  }
  const std::string text = format_identity(i);
  const std::array<std::string_view, 1> pieces = {text};
  auto step = files.write(*file, 0, pieces);
  if (step) {
    step = files.sync_all(*file);
  }
  if (step) { // a link, because it never replaces, whatever the file system
    step = files.link_name_at(root, staged, root, identity_file_name);
  }
  const auto removed = files.unlink_at(root, staged);
  if (step && !removed) {
    step = removed;
  }
  return step ? files.sync_all(root) : step;
}

result<void> refuse_occupied(fs::file_system& files, const fs::handle& root,
                             const new_partition& wanted, std::string_view path) {
  const auto entries = files.list(root);
  if (!entries) {
    return fs::to_failure(entries.error(), escape(path));
  }
  for (const fs::directory_entry& entry : *entries) {
    if (entry.name == identity_file_name) {
      return transient_failure("this directory is a partition already", escape(path),
                               "Its identity is never replaced; look into the file.");
    }
    if (!wanted.adopt_existing && entry.name != "lost+found") {
      return transient_failure(
          "the directory is not empty", escape(path) + " holds " + escape(entry.name),
          "Give an empty directory, or say that the Maildirs in it are to be adopted.");
    }
  }
  return {};
}

} // namespace

partition::partition(fs::file_system& files, std::string path, fs::handle root, identity i,
                     bool makes_maildirs)
    : files_(&files), path_(std::move(path)), root_(std::move(root)), identity_(std::move(i)),
      makes_maildirs_(makes_maildirs) {}

result<partition> partition::open(fs::file_system& files, std::string_view absolute_path,
                                  std::string_view expected_name) {
  auto root = open_root(files, absolute_path);
  if (!root) {
    return root.error();
  }
  auto found = read_identity(files, *root, absolute_path);
  if (!found) {
    return found.error();
  }
  if (found->name != expected_name) {
    return no_partition("another partition lies in this place",
                        escape(absolute_path) + " is \"" + found->name + "\", not \"" +
                            escape(expected_name) + "\"",
                        "Mount the right volume, or correct the name or the path in the settings.");
  }
  if (const auto writable = refuse_read_only(files, *root, absolute_path); !writable) {
    return writable.error();
  }
  return partition(files, std::string(absolute_path), std::move(*root), std::move(*found), true);
}

result<partition> partition::open_plain(fs::file_system& files, std::string_view absolute_path,
                                        std::string_view name, const path_template& paths) {
  auto root = open_root(files, absolute_path);
  if (!root) {
    failure f = root.error();
    f.advice = "Mount the volume, or correct the path of this partition in the directory.";
    return f;
  }
  return partition(files, std::string(absolute_path), std::move(*root),
                   identity{.name = std::string(name), .paths = paths}, false);
}

result<identity> partition::initialise(fs::file_system& files, std::string_view absolute_path,
                                       const new_partition& wanted, wall_time now) {
  auto made = make_identity(wanted.name, wanted.path_template, now);
  if (!made) {
    return made;
  }
  auto root = open_root(files, absolute_path);
  if (!root) {
    failure f = root.error();
    f.advice = "Make the directory first, on the mounted volume, owned by the user of stored.";
    return f;
  }
  if (const auto empty = refuse_occupied(files, *root, wanted, absolute_path); !empty) {
    return empty.error();
  }
  if (const auto written = write_identity(files, *root, *made); !written) {
    return fs::to_failure(written.error(), escape(absolute_path));
  }
  return made;
}

result<void> partition::check() const {
  const auto now = open_root(*files_, path_);
  if (!now) {
    return now.error();
  }
  const auto at_path = files_->status(*now);
  const auto ours = files_->status(root_);
  if (!at_path || !ours) {
    return fs::to_failure(at_path ? ours.error() : at_path.error(), escape(path_));
  }
  if (at_path->device != ours->device || at_path->inode != ours->inode) {
    return no_partition("the directory of the partition was exchanged", escape(path_),
                        "Was the volume mounted anew? Reload this daemon so that it opens it.");
  }
  if (makes_maildirs_) {
    const auto found = read_identity(*files_, root_, path_);
    if (!found) {
      return found.error();
    }
    if (found->id != identity_.id) {
      return no_partition("the identity of the partition was exchanged", escape(path_),
                          "Restart this daemon when you know why.");
    }
  }
  return refuse_read_only(*files_, root_, path_);
}

result<fs::volume_space> partition::space() const {
  const auto found = files_->space(root_);
  if (!found) {
    return fs::to_failure(found.error(), escape(path_));
  }
  return *found;
}

} // namespace homeward::maildir
