#include "stored/journal/checkpoints.hpp"

#include <algorithm>
#include <condition_variable>
#include <future>
#include <thread>
#include <utility>

#include "lib/base/log.hpp"
#include "lib/base/sabotage.hpp"

#include "stored/journal/failed_note.hpp"

namespace homeward::journal {
namespace {
// How often it is looked whether a segment can be retired, while everybody waits for one.
constexpr std::chrono::nanoseconds when_full = std::chrono::milliseconds(100);
} // namespace

// Shared with the thread, so that one that hangs for ever finds it still there.
struct checkpoints::state {
  state(checkpoint_surroundings w, checkpoint_rhythm r)
      : with(std::move(w)), rhythm(r), began(with.clock.steady_now()), unfinished(true),
        pending_since_log(false) {}

  void run();
  void park_absent();
  void make();
  [[nodiscard]] bool log_identities(std::uint64_t now);
  [[nodiscard]] bool sync_volume();
  [[nodiscard]] bool record(record_number below);
  void finish_recovery();

  checkpoint_surroundings with;
  mutable std::mutex mutex; // guards the rhythm and all below up to `thread`
  checkpoint_rhythm rhythm;
  std::condition_variable wake;
  std::condition_variable ended;
  std::vector<logged_identity> settled;
  bool dirty = true; // what recovery files counts too
  bool asked = false;
  bool stopping = false;
  bool thread_ended = false;
  std::uint64_t additions = 0; // times that something was settled
  std::uint64_t covered = 0;   // of those, by a checkpoint
  checkpoint_figures figures;
  std::thread thread;

  // Of the thread alone.
  const steady_time began;
  bool unfinished;        // the recovery of this start
  bool pending_since_log; // the log was told that checkpoints have to wait
};

void checkpoints::state::run() {
  std::unique_lock lock(mutex);
  for (;;) {
    const bool hurry = with.writer.waits_for_room();
    const auto longest = with.recovered.pending() > 0 ? std::min(rhythm.interval, rhythm.park_after)
                                                      : rhythm.interval;
    wake.wait_for(lock, hurry ? std::min(longest, when_full) : longest,
                  [this] { return stopping || asked; });
    const bool last = stopping;
    asked = false;
    const bool work = std::exchange(dirty, false);
    lock.unlock();
    if (!with.writer.dead()) {
      park_absent();
      if (work || unfinished) {
        make();
      }
    }
    lock.lock();
    if (last) {
      break;
    }
  }
  thread_ended = true;
  ended.notify_all();
}

void checkpoints::state::park_absent() {
  if (with.recovered.pending() == 0 || with.clock.steady_now() - began < rhythm.park_after) {
    return;
  }
  const auto now = unix_seconds(with.clock.wall_now());
  const auto parked = with.recovered.park_rest(now);
  if (!parked) {
    log::error("mail of absent partitions cannot be parked; the journal keeps it",
               {{"failure", parked.error()}});
    return;
  }
  for (const auto& [partition, deliveries] : *parked) {
    log::error("a partition is not there; its mail in the journal is parked",
               {{"partition_id", partition},
                {"deliveries", deliveries},
                {"next", "Bring the partition back: its mail is filed when it is opened."}});
  }
}

void checkpoints::state::make() {
  const steady_time start = with.clock.steady_now();
  const record_number below = with.open.lowest_open();
  if (with.writer.waits_for_room() && !with.segments.would_retire(below)) {
    // What is left of the last segment is for a checkpoint that makes room. Soon again.
    const std::lock_guard lock(mutex);
    dirty = true;
    return;
  }
  const std::uint64_t settled_so_far = [this] {
    const std::lock_guard lock(mutex);
    return additions;
  }();
  const std::vector<std::string> emptied = with.recovered.emptied();
  const bool all_replayed = with.recovered.pending() == 0;
  if (!log_identities(unix_seconds(with.clock.wall_now())) || !sync_volume() || !record(below)) {
    return;
  }
  with.segments.retire_below(below);
  with.writer.room_made(below);
  for (const std::string& name : emptied) {
    (void)with.files.unlink_at(with.directory, name); // replayed again at the next start, no harm
  }
  with.recovered.forget_emptied(emptied);
  if (unfinished && all_replayed) {
    finish_recovery();
  }
  const std::lock_guard lock(mutex);
  ++figures.checkpoints;
  covered = settled_so_far;
  figures.longest = std::max(figures.longest, with.clock.steady_now() - start);
}

// False: no checkpoint now, because the volume is full; the journal keeps the identities.
bool checkpoints::state::log_identities(std::uint64_t now) {
  std::vector<logged_identity> batch;
  identity_retention keep;
  {
    const std::lock_guard lock(mutex);
    batch = std::exchange(settled, {});
    keep = rhythm.identities;
  }
  const result<void> added = with.identities.append(batch, now);
  if (added) {
    with.identities.prune(keep, now);
    pending_since_log = false;
    return true;
  }
  if (!std::exchange(pending_since_log, true)) {
    log::error(
        "no checkpoint: the identities of deliveries cannot be written",
        {{"failure", added.error()}, {"next", "Mend this soon: until then the journal fills up."}});
  }
  const std::lock_guard lock(mutex);
  settled.insert(settled.begin(), batch.begin(), batch.end());
  dirty = true;
  return false;
}

bool checkpoints::state::sync_volume() {
  if (sabotage::is_on(sabotage::fault::s2_skip_checkpoint_sync)) {
    return true;
  }
  const auto synced = with.files.sync_file_system(with.directory);
  if (!synced) {
    with.writer.die(fs::to_failure(synced.error(), "checkpoint"));
    return false;
  }
  return true;
}

bool checkpoints::state::record(record_number below) {
  auto outcome = std::make_shared<std::promise<bool>>();
  auto written = outcome->get_future();
  with.writer.append_control(checkpoint_record{below}, [outcome](const result<record_number>& r) {
    outcome->set_value(r.has_value());
  });
  return written.get();
}

// Everything that the last run left is in its place, and durable.
void checkpoints::state::finish_recovery() {
  if (const result<void> gone = remove_failed_note(with.files, with.directory); !gone) {
    log::warning("the note of an earlier failure cannot be removed", {{"failure", gone.error()}});
    return;
  }
  if (const result<void> told = with.marks.complete(); !told) {
    log::warning("filed marks cannot be written", {{"failure", told.error()}});
  }
  unfinished = false;
}

checkpoints::checkpoints(checkpoint_surroundings with, checkpoint_rhythm rhythm)
    : state_(std::make_shared<state>(std::move(with), rhythm)) {}

checkpoints::~checkpoints() {
  static_cast<void>(stop(std::chrono::nanoseconds(0)));
}

void checkpoints::start() {
  const std::lock_guard lock(state_->mutex);
  state_->thread = std::thread([s = state_] { s->run(); });
}

void checkpoints::add(std::span<const logged_identity> stored) {
  const std::lock_guard lock(state_->mutex);
  state_->settled.insert(state_->settled.end(), stored.begin(), stored.end());
  state_->dirty = true;
  ++state_->additions;
}

void checkpoints::ask() {
  const std::lock_guard lock(state_->mutex);
  state_->asked = true;
  state_->dirty = true;
  state_->wake.notify_all();
}

void checkpoints::set_rhythm(std::chrono::nanoseconds interval, identity_retention identities) {
  const std::lock_guard lock(state_->mutex);
  state_->rhythm.interval = interval;
  state_->rhythm.identities = identities;
}

checkpoint_figures checkpoints::figures() const {
  const std::lock_guard lock(state_->mutex);
  checkpoint_figures now = state_->figures;
  now.due = state_->additions != state_->covered;
  return now;
}

bool checkpoints::stop(std::chrono::nanoseconds limit) {
  std::unique_lock lock(state_->mutex);
  if (!state_->thread.joinable()) {
    return true;
  }
  state_->stopping = true;
  state_->wake.notify_all();
  const bool done = state_->ended.wait_for(lock, limit, [this] { return state_->thread_ended; });
  std::thread thread = std::move(state_->thread);
  lock.unlock();
  if (done) {
    thread.join();
  } else {
    thread.detach();
  }
  return done;
}

} // namespace homeward::journal
