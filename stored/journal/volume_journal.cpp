#include "stored/journal/volume_journal.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "lib/base/log.hpp"
#include "lib/base/random.hpp"

#include "stored/journal/checkpoints.hpp"
#include "stored/journal/failed_note.hpp"
#include "stored/journal/filed_marks.hpp"

namespace homeward::journal {
namespace {

constexpr std::string_view lock_name = "lock";

journal_identity new_identity(const std::string& farm) {
  journal_identity made{.volume = {}, .farm = farm};
  const std::string hex = random_hex(made.volume.size());
  for (std::size_t i = 0; i < made.volume.size(); ++i) {
    made.volume[i] = static_cast<std::uint8_t>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
  }
  return made;
}

result<fs::handle> take_lock(fs::file_system& files, const fs::handle& directory,
                             const std::string& path) {
  auto file = files.open_at(directory, lock_name, fs::open_mode::read_write);
  if (!file && file.error() == ENOENT) {
    file = files.open_at(directory, lock_name, fs::open_mode::create_new);
  }
  const auto locked = file ? files.try_lock(*file) : fs::io_result<void>(file.error());
  if (locked) {
    return std::move(*file);
  }
  if (locked.error() == EWOULDBLOCK) {
    return transient_failure("another stored has the journal of this volume", path,
                             "Stop the other one, or correct the settings: every partition is "
                             "served by one stored.");
  }
  return fs::to_failure(locked.error(), path);
}

// A segment that was begun and holds nothing can be begun again, if the one before it knows the
// next number; so a recovery that is killed again and again uses no more and no more of them.
void reuse_empty_segment(journal_index& index) {
  if (index.live.size() > 1 && index.live.back().header &&
      index.live.back().header->first_record == index.next_record) {
    index.unused.push_back(std::move(index.live.back()));
    index.live.pop_back();
  }
}

} // namespace

// In the order of its making. The threads of the last two use all the others.
struct volume_journal::impl {
  impl(fs::file_system& f, const clock_source& c, std::string p, const journal_settings& s)
      : files(f), clock(c), path(std::move(p)), settings(s) {}

  [[nodiscard]] result<void> open(const identity_visitor& known);
  [[nodiscard]] result<trust> judge();
  [[nodiscard]] result<void> load_identities(const identity_visitor& known);
  void start_threads();

  fs::file_system& files;
  const clock_source& clock;
  const std::string path;
  const journal_settings settings;
  segment_sizes sizes;              // as they fit the volume
  std::uint64_t largest_record = 0; // known for good: asking the segments may wait for the disk
  fs::handle directory;
  fs::handle lock;
  std::string instance;
  journal_index index;
  std::optional<filed_marks> marks;
  std::optional<settlements> open_records;
  std::optional<recovery> recovered;
  std::optional<identity_log> identities;
  std::optional<segment_pool> segments;
  std::optional<journal_writer> writer;
  std::optional<checkpoints> checkpointer;
};

result<void> volume_journal::impl::open(const identity_visitor& known) {
  // 1. The directory, for us alone.
  auto opened = files.open_directory(path);
  if (!opened) {
    return fs::to_failure(opened.error(), path);
  }
  directory = std::move(*opened);
  auto locked = take_lock(files, directory, path);
  if (!locked) {
    return locked.error();
  }
  lock = std::move(*locked);
  // 2. What does the disk hold? What cannot be read stops us here.
  auto found = read_index(files, directory, settings.farm);
  if (!found) {
    return found.error();
  }
  index = std::move(*found);
  if (const result<void> safe = secure_last_group(files, directory, index); !safe) {
    return safe;
  }
  if (const result<void> kept = keep_torn_end(files, directory, index); !kept) {
    log::warning("the torn end of the journal, which was never acknowledged, is not kept",
                 {{"directory", path}, {"failure", kept.error()}});
  }
  reuse_empty_segment(index);
  if (!index.whose) {
    index.whose = new_identity(settings.farm);
  }
  // 3. How much of what the Maildirs show is to be believed?
  const auto how = judge();
  if (!how) {
    return how.error();
  }
  // 4. What is to be filed again, when its partition joins?
  open_records.emplace(index.checkpoint);
  recovered.emplace(files, directory, index, *how, *marks, *open_records);
  if (const result<void> collected = recovered->collect(); !collected) {
    return collected;
  }
  // 5. What was delivered already?
  const auto room = files.space(directory);
  if (!room) {
    return fs::to_failure(room.error(), path);
  }
  sizes = fit(settings.segments, room->total);
  if (const result<void> loaded = load_identities(known); !loaded) {
    return loaded;
  }
  // 6. The space, and the threads.
  segments.emplace(files, directory, *index.whose, index);
  if (const result<void> reserved = segments->reserve(sizes); !reserved) {
    return reserved;
  }
  largest_record = segments->smallest() / 4;
  log::notice("journal open", {{"directory", path},
                               {"checkpoint", index.checkpoint},
                               {"next", index.next_record},
                               {"to_recover", recovered->pending()},
                               {"trust", *how == trust::marks     ? "marks"
                                         : *how == trust::compare ? "compare"
                                                                  : "rewrite"}});
  try {
    start_threads();
  } catch (const std::system_error& e) {
    (void)writer->stop(std::chrono::seconds(1));
    return transient_failure("the journal gets no threads", e.what(),
                             "Raise the limit of tasks: TasksMax= of the unit, or ulimit -u.");
  }
  return {};
}

result<trust> volume_journal::impl::judge() {
  const auto named = files.instance(directory);
  if (!named) {
    return fs::to_failure(named.error(), path);
  }
  instance = *named;
  auto read = filed_marks::open(files, directory);
  if (!read) {
    return read.error();
  }
  marks.emplace(std::move(*read));
  const result<bool> failed = has_failed_note(files, directory);
  if (!failed) {
    return failed.error();
  }
  // The page cache that the note warns of may be gone since.
  const bool warned = *failed && !marks->is_of_another(instance);
  if (warned || !marks->is_of(instance)) {
    const result<void> forgotten =
        marks->forget(instance, warned ? trust::rewrite : trust::compare);
    if (!forgotten) {
      return forgotten.error();
    }
  }
  if (*failed && !instance.empty()) {
    (void)files.unlink_at(directory, failed_note_name); // the marks know it now
  }
  return marks->rest();
}

result<void> volume_journal::impl::load_identities(const identity_visitor& known) {
  identities.emplace(files, directory, std::max<std::uint64_t>(sizes.size.octets / 16, block_size));
  return identities->load(known);
}

void volume_journal::impl::start_threads() {
  // Of any backlog a group is made that a segment can hold.
  group_limits groups = settings.groups;
  groups.octets = std::min<std::size_t>(groups.octets, segments->smallest() / 2);
  writer.emplace(
      writer_surroundings{files, clock, *segments, *open_records, index.whose->volume, directory},
      index.next_record, index.checkpoint, groups);
  checkpointer.emplace(
      checkpoint_surroundings{files, clock, directory, *segments, *open_records, *writer, *marks,
                              *identities, *recovered, instance},
      checkpoint_rhythm{settings.checkpoint, settings.wait_for_partitions, settings.identities});
  writer->start(
      [this] { checkpointer->ask(); },
      [this](const failure& why) { leave_failed_note(files, directory, why, clock.wall_now()); });
  checkpointer->start();
}

result<std::shared_ptr<volume_journal>> volume_journal::open(fs::file_system& files,
                                                             const clock_source& clock,
                                                             const std::string& directory,
                                                             const journal_settings& settings,
                                                             const identity_visitor& known) {
  auto i = std::make_shared<impl>(files, clock, directory, settings);
  if (const result<void> opened = i->open(known); !opened) {
    return opened.error();
  }
  return std::shared_ptr<volume_journal>(new volume_journal(std::move(i)));
}

volume_journal::~volume_journal() {
  if (!stop(std::chrono::nanoseconds(0))) {
    // A thread hangs in the kernel and uses the parts for ever.
    new std::shared_ptr<impl>(impl_);
  }
}

result<replayed> volume_journal::join(const maildir::partition& where,
                                      const stored_recipient& tell) {
  auto done = impl_->recovered->replay(where, tell, unix_seconds(impl_->clock.wall_now()),
                                       [this](std::span<const logged_identity> identities) {
                                         impl_->checkpointer->add(identities);
                                       });
  if (!done && done.error().reason == failure_reason::full) {
    // The journal's own spare space, for the next attempt.
    if (const std::size_t released = impl_->segments->release_spares(); released > 0) {
      log::warning("the volume is full; unused segments of the journal make room for recovery",
                   {{"partition", where.name()}, {"segments", released}});
    }
  }
  if (done) {
    impl_->checkpointer->ask();
  }
  return done;
}

std::optional<failure> volume_journal::unusable() const {
  return impl_->writer->dead();
}

bool volume_journal::fits(const delivery_record& r) const {
  return group_builder::room_for(r) <= impl_->largest_record;
}

void volume_journal::append(delivery_record r, std::shared_ptr<const void> keep, committed tell) {
  const std::string lane = r.partition;
  record what = std::move(r);
  const std::size_t octets = group_builder::room_for(what);
  impl_->writer->append(lane, {std::move(what), std::move(keep), octets, std::move(tell)});
}

void volume_journal::append(abort_record r, committed tell) {
  impl_->writer->append_control(std::move(r), std::move(tell));
}

void volume_journal::settle(record_number n, std::span<const logged_identity> stored) {
  impl_->marks->set(n);
  impl_->checkpointer->add(stored);
  impl_->open_records->settle(n);
}

void volume_journal::set_limits(std::chrono::nanoseconds checkpoint,
                                identity_retention identities) {
  impl_->checkpointer->set_rhythm(checkpoint, identities);
}

journal_figures volume_journal::figures() const {
  const checkpoint_figures made = impl_->checkpointer->figures();
  return {impl_->writer->figures(), impl_->open_records->open(), made.checkpoints, made.longest,
          made.due};
}

const std::string& volume_journal::directory() const {
  return impl_->path;
}

bool volume_journal::stop(std::chrono::nanoseconds limit) {
  const auto give_up = std::chrono::steady_clock::now() + limit;
  const bool first = impl_->checkpointer->stop(limit);
  const auto left = std::max<std::chrono::nanoseconds>(give_up - std::chrono::steady_clock::now(),
                                                       std::chrono::nanoseconds(0));
  return impl_->writer->stop(left) && first;
}

} // namespace homeward::journal
