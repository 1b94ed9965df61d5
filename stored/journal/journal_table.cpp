#include "stored/journal/journal_table.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>
#include <vector>

#include "lib/base/log.hpp"

#include "stored/journal/journal_note.hpp"
#include "stored/journal/parked_records.hpp"

namespace homeward::journal {
namespace {
constexpr std::chrono::seconds time_to_close{30};
}

journal_table::journal_table(fs::file_system& files, const clock_source& clock,
                             journal_settings settings, bool in_use, identity_memory memory)
    : files_(files), clock_(clock), in_use_(in_use), memory_(std::move(memory)),
      settings_(std::move(settings)) {}

std::shared_ptr<journal_table::volume> journal_table::volume_of(std::uint64_t device) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<volume>& v = volumes_[device];
  if (!v) {
    v = std::make_shared<volume>();
  }
  return v;
}

result<std::shared_ptr<volume_journal>> journal_table::attach(const maildir::partition& where,
                                                              std::uint64_t device) {
  const std::shared_ptr<volume> v = volume_of(device);
  const std::lock_guard lock(v->mutex);
  const result<journal_place> place = read_place(where);
  if (!place) {
    return place.error();
  }
  // 1. A journal that is not, or will not be, the one of this volume: what it holds for the
  //    partition is filed, and that is its end.
  const std::string own = own_directory(where);
  const bool noted_here = place->noted && !lies_elsewhere(*place->noted, where);
  const std::string home = v->journal ? v->journal->directory() : noted_here ? *place->noted : own;
  for (const std::string& other : {place->own ? own : std::string(), place->noted.value_or("")}) {
    if (!other.empty() && (!in_use_ || other != home)) {
      if (const result<void> done = recover_other(where, other, *v); !done) {
        return done.error();
      }
    }
  }
  if (!in_use_) {
    return std::shared_ptr<volume_journal>();
  }
  // 2. The journal of the volume: open it, or make it in this partition.
  if (!v->journal) {
    if (home == own && !place->own) {
      if (const result<void> made = make_own(where); !made) {
        return made.error();
      }
    }
    auto opened = open(home);
    if (!opened) {
      return opened.error();
    }
    v->journal = *opened;
  }
  // 3. The note comes before the first record that might need it.
  if (home != own && place->noted != home) {
    if (const result<void> noted = write_note(where, home); !noted) {
      return noted.error();
    }
  }
  if (const result<void> joined = join(*v->journal, where); !joined) {
    return joined.error();
  }
  return v->journal;
}

result<std::shared_ptr<volume_journal>> journal_table::open(const std::string& directory) {
  journal_settings now;
  {
    const std::lock_guard lock(mutex_);
    now = settings_;
  }
  return volume_journal::open(files_, clock_, directory, now, memory_.known);
}

result<void> journal_table::join(volume_journal& journal, const maildir::partition& where) {
  const result<replayed> done = journal.join(where, memory_.recovered);
  if (!done) {
    return done.error();
  }
  if (done->deliveries > 0) {
    log::notice("partition recovered", {{"partition", where.name()},
                                        {"deliveries", done->deliveries},
                                        {"filed", done->filed},
                                        {"replaced", done->replaced},
                                        {"parked", done->parked}});
  }
  return {};
}

result<void> journal_table::make_own(const maildir::partition& where) {
  const auto made = files_.make_directory_at(where.root(), journal_directory_name);
  const auto durable = made ? files_.sync_all(where.root()) : made;
  if (!durable) {
    return fs::to_failure(durable.error(), own_directory(where));
  }
  return {};
}

// A note that came with a partition that was copied from another volume: the journal there is not
// the one of this volume, and its checkpoints would not sync it.
bool journal_table::lies_elsewhere(const std::string& directory,
                                   const maildir::partition& where) const {
  const auto opened = files_.open_directory(directory);
  const auto status =
      opened ? files_.status(*opened) : fs::io_result<fs::file_status>(opened.error());
  const auto root = files_.status(where.root());
  return status && root && status->device != root->device;
}

// `own`: the volume that is being attached to; its mutex is held.
result<std::shared_ptr<volume_journal>> journal_table::find_open(const std::string& directory,
                                                                 const volume& own) {
  const std::lock_guard lock(mutex_);
  for (const auto& [device, v] : volumes_) {
    if (v.get() == &own) {
      continue;
    }
    const std::unique_lock opening(v->mutex, std::try_to_lock);
    if (!opening) {
      return transient_failure("another journal is being opened", directory,
                               "This is tried again by itself.");
    }
    if (v->journal && v->journal->directory() == directory) {
      return v->journal;
    }
  }
  return std::shared_ptr<volume_journal>();
}

result<void> journal_table::recover_other(const maildir::partition& where,
                                          const std::string& directory, const volume& own) {
  const auto in_use = find_open(directory, own);
  if (!in_use) {
    return in_use.error();
  }
  if (*in_use) {
    const result<void> joined = join(**in_use, where);
    return joined ? remove_note(where) : joined;
  }
  const auto opened = open(directory);
  if (!opened) {
    return opened.error();
  }
  const result<void> joined = join(**opened, where);
  // Closed in any case, so that the next attempt can open it.
  const bool closed = (*opened)->stop(time_to_close);
  if (!joined) {
    return joined;
  }
  // Its last checkpoint has to be made, else what was filed from it is not durable.
  if (!closed || (*opened)->unusable() || (*opened)->figures().checkpoint_due) {
    return transient_failure("the earlier journal of partition " + where.name() +
                                 " cannot be closed",
                             directory, "Look at dmesg and at the disk, then restart stored.");
  }
  log::notice("earlier journal closed", {{"partition", where.name()}, {"directory", directory}});
  if (directory != own_directory(where)) {
    return remove_note(where);
  }
  // Mail of partitions that have not come yet: they have its path, and read it when they come.
  return (*opened)->figures().unsettled > 0 ? result<void>() : remove_directory(where);
}

// A journal that holds nothing but what was parked stays.
result<void> journal_table::remove_directory(const maildir::partition& where) {
  const auto directory =
      files_.open_at(where.root(), journal_directory_name, fs::open_mode::directory);
  const auto entries = directory
                           ? files_.list(*directory)
                           : fs::io_result<std::vector<fs::directory_entry>>(directory.error());
  if (!entries) {
    return fs::to_failure(entries.error(), own_directory(where));
  }
  if (std::any_of(entries->begin(), entries->end(),
                  [](const fs::directory_entry& e) { return e.name.starts_with(parked_prefix); })) {
    return {};
  }
  for (const fs::directory_entry& e : *entries) {
    if (const auto gone = files_.unlink_at(*directory, e.name); !gone) {
      return fs::to_failure(gone.error(), own_directory(where));
    }
  }
  const auto removed = files_.remove_directory_at(where.root(), journal_directory_name);
  if (!removed) {
    return fs::to_failure(removed.error(), own_directory(where));
  }
  return {};
}

void journal_table::close_unused() {
  std::vector<std::shared_ptr<volume>> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [device, v] : volumes_) {
      all.push_back(v);
    }
  }
  for (const auto& v : all) {
    const std::unique_lock lock(v->mutex, std::try_to_lock);
    // Nobody can get another reference while the lock is held and we have the only one.
    if (lock && v->journal && v->journal.use_count() == 1) {
      const std::string directory = v->journal->directory();
      if (v->journal->stop(time_to_close)) {
        v->journal.reset();
        log::notice("journal closed: no partition uses it", {{"directory", directory}});
      }
    }
  }
}

void journal_table::set_limits(std::chrono::nanoseconds checkpoint, identity_retention identities) {
  const std::lock_guard lock(mutex_);
  settings_.checkpoint = checkpoint;
  settings_.identities = identities;
  for (const auto& [device, v] : volumes_) {
    const std::unique_lock opening(v->mutex, std::try_to_lock);
    if (opening && v->journal) {
      v->journal->set_limits(checkpoint, identities);
    }
  }
}

bool journal_table::stop(std::chrono::nanoseconds limit) {
  const auto give_up = std::chrono::steady_clock::now() + limit;
  const std::lock_guard lock(mutex_);
  bool all = true;
  for (const auto& [device, v] : volumes_) {
    const std::unique_lock opening(v->mutex, std::try_to_lock);
    if (!opening) {
      all = false;
    } else if (v->journal) {
      const auto left = std::max<std::chrono::nanoseconds>(
          give_up - std::chrono::steady_clock::now(), std::chrono::nanoseconds(0));
      all = v->journal->stop(left) && all;
    }
  }
  return all;
}

} // namespace homeward::journal
