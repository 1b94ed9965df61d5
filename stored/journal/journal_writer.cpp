#include "stored/journal/journal_writer.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "lib/base/log.hpp"
#include "lib/base/sabotage.hpp"

namespace homeward::journal {
namespace {

// At the end of every segment there is room for control records, so that a checkpoint can be
// written when nothing else can.
constexpr std::uint64_t reserved_for_control = 16 * block_size;

failure journal_failure(failure why) {
  why.what = "the journal of this volume has failed";
  why.advice = "Nothing that was acknowledged is lost. Look at dmesg and at the disk, then restart "
               "stored: it recovers from what is on the disk.";
  return why;
}

// As a group header has it: 0 says that it is not known.
std::uint32_t microseconds(std::chrono::nanoseconds took) {
  const auto count = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(count, 1, 0xffffffff));
}

void add_to(std::vector<waiting_record>& group, std::vector<waiting_record> more) {
  std::move(more.begin(), more.end(), std::back_inserter(group));
}

failure stopped() {
  return transient_failure("the store is stopping");
}

} // namespace

// Shared with the thread, so that one that hangs for ever finds it still there.
struct journal_writer::state {
  state(writer_surroundings w, record_number next, record_number checkpoint_below, group_limits l)
      : with(w), limits(l), builder(w.volume), next_record(next), durable_below(next),
        checkpoint(checkpoint_below) {}

  void run();
  [[nodiscard]] std::vector<waiting_record> take_group(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] bool commit(std::vector<waiting_record>& group, std::uint64_t reserve);
  [[nodiscard]] std::uint64_t room_needed(const std::vector<waiting_record>& group) const;
  [[nodiscard]] bool make_room(std::uint64_t needed);
  [[nodiscard]] bool begin_segment(std::uint64_t needed);
  [[nodiscard]] bool commit_when_it_fits(std::vector<waiting_record>& group);
  [[nodiscard]] bool commit_control();
  [[nodiscard]] std::vector<waiting_record> take_control(bool with_aborts);
  [[nodiscard]] bool aborts_fit() const;
  [[nodiscard]] bool write_and_sync(std::string_view octets, std::size_t records);
  [[nodiscard]] fs::io_result<void> sync();
  void tell(std::vector<waiting_record>& group, record_number first);
  void die(const failure& why);
  static void fail(std::vector<waiting_record> group, const failure& why);

  writer_surroundings with;
  const group_limits limits;
  std::function<void()> room_wanted;
  std::function<void(const failure&)> died;

  // Of the commit thread alone.
  group_builder builder;
  std::optional<begun_segment> segment;
  std::uint64_t offset = 0;        // of the next group
  std::uint32_t previous_sync = 0; // microseconds that the last one took

  mutable std::mutex mutex; // guards all below
  std::condition_variable wake;
  std::condition_variable ended;
  commit_queue deliveries;
  commit_queue aborts;
  commit_queue checkpoints;
  record_number next_record;
  record_number durable_below;
  record_number checkpoint;
  std::optional<failure> dead;
  writer_figures figures;
  bool full = false; // waits for a segment
  bool stopping = false;
  bool thread_ended = false;
  std::thread thread;
};

void journal_writer::state::run() {
  std::unique_lock lock(mutex);
  for (;;) {
    std::vector<waiting_record> group = take_group(lock);
    if (group.empty()) {
      break;
    }
    lock.unlock();
    if (!commit_when_it_fits(group)) {
      fail(std::move(group), *dead);
    }
    group.clear(); // what it keeps alive ends here, without the lock
    lock.lock();
  }
  thread_ended = true;
  ended.notify_all();
}

// Empty when the thread shall end. What is dead fails here.
std::vector<waiting_record> journal_writer::state::take_group(std::unique_lock<std::mutex>& lock) {
  for (;;) {
    wake.wait(lock, [this] {
      return stopping || !deliveries.empty() || !aborts.empty() || !checkpoints.empty();
    });
    if (dead) {
      std::vector<waiting_record> failed = take_control(true);
      add_to(failed, deliveries.take_all());
      if (failed.empty() && stopping) {
        return {};
      }
      const failure why = *dead;
      lock.unlock();
      fail(std::move(failed), why);
      lock.lock();
      continue;
    }
    // Control records go alone: a checkpoint that waits with deliveries for the room that it makes
    // would wait for ever.
    std::vector<waiting_record> group =
        take_control(!segment || checkpoints.empty() || aborts_fit());
    return group.empty() ? deliveries.take_group(limits) : std::move(group);
  }
}

std::vector<waiting_record> journal_writer::state::take_control(bool with_aborts) {
  std::vector<waiting_record> group = checkpoints.take_all();
  if (with_aborts) {
    add_to(group, aborts.take_all());
  }
  return group;
}

// Aborts leave the second half of the reserve to the checkpoint that makes room.
bool journal_writer::state::aborts_fit() const {
  const std::uint64_t needed =
      block_padded(group_header_size + checkpoints.octets() + aborts.octets());
  return offset + needed + reserved_for_control / 2 <= segment->size;
}

bool journal_writer::state::commit_when_it_fits(std::vector<waiting_record>& group) {
  const std::uint64_t needed = room_needed(group);
  const auto is_checkpoint = [](const waiting_record& r) {
    return std::holds_alternative<checkpoint_record>(r.what);
  };
  const bool may_use_reserve = std::any_of(group.begin(), group.end(), is_checkpoint);
  if (may_use_reserve && segment && offset + needed <= segment->size) {
    return commit(group, 0);
  }
  return make_room(needed) && commit(group, reserved_for_control);
}

std::uint64_t journal_writer::state::room_needed(const std::vector<waiting_record>& group) const {
  std::uint64_t octets = group_header_size;
  for (const waiting_record& r : group) {
    octets += r.octets;
  }
  return block_padded(octets);
}

// Waits for a segment with room, however long; control records go on meanwhile.
bool journal_writer::state::make_room(std::uint64_t needed) {
  if (segment && offset + needed + reserved_for_control <= segment->size) {
    return true;
  }
  for (;;) {
    if (!begin_segment(needed)) {
      return false;
    }
    const bool fits = offset + needed + reserved_for_control <= segment->size;
    {
      const std::lock_guard lock(mutex);
      figures.waits_for_room += fits || full ? 0U : 1U;
      full = !fits;
    }
    if (fits) {
      return true;
    }
    room_wanted();
    if (!commit_control()) {
      return false;
    }
  }
}

// Begins the next segment when one is unused; else waits until something has changed.
bool journal_writer::state::begin_segment(std::uint64_t needed) {
  record_number first = 0;
  record_number below = 0;
  {
    const std::lock_guard lock(mutex);
    first = next_record;
    below = checkpoint;
  }
  auto begun = with.segments.begin_next(first, below, with.clock.wall_now());
  if (!begun) {
    die(begun.error());
    return false;
  }
  if (*begun) {
    segment = **begun;
    offset = block_size;
    room_wanted(); // in good time: the checkpoint runs while this segment fills
    if (offset + needed + reserved_for_control > segment->size) {
      die(transient_failure("a record is larger than a segment of the journal"));
      return false;
    }
  } else if (!segment) {
    die(transient_failure("the journal has no unused segment to begin with"));
    return false;
  }
  return true;
}

// While there is no room for deliveries: waits for a control record and commits it, or for room.
bool journal_writer::state::commit_control() {
  std::vector<waiting_record> group;
  {
    std::unique_lock lock(mutex);
    wake.wait(lock, [this] {
      return dead || stopping || !checkpoints.empty() || (!aborts.empty() && aborts_fit()) ||
             with.segments.has_one_to_begin();
    });
    if (stopping && !dead && checkpoints.empty() && !with.segments.has_one_to_begin()) {
      dead = transient_failure("the store is stopping, and its journal is full");
    }
    if (dead) {
      return false;
    }
    group = take_control(aborts_fit());
  }
  if (group.empty()) {
    return true;
  }
  if (!commit(group, 0)) {
    fail(std::move(group), *dead);
    return false;
  }
  return true;
}

bool journal_writer::state::commit(std::vector<waiting_record>& group, std::uint64_t reserve) {
  if (offset + room_needed(group) + reserve > segment->size) {
    die(transient_failure("the journal has no room for its own records"));
    return false;
  }
  record_number number = 0;
  record_number durable = 0;
  {
    const std::lock_guard lock(mutex);
    number = next_record;
    durable = durable_below;
  }
  builder.begin(segment->generation, number);
  for (const waiting_record& r : group) {
    builder.add(r.what);
  }
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
      with.clock.wall_now().time_since_epoch());
  const std::string_view octets =
      builder.finish(durable, static_cast<std::uint64_t>(now.count()), previous_sync);
  with.open.add(group.size());
  if (sabotage::is_on(sabotage::fault::s1_ack_before_sync)) {
    tell(group, number);
  }
  if (!write_and_sync(octets, group.size())) {
    return false;
  }
  tell(group, number);
  return true;
}

void journal_writer::state::tell(std::vector<waiting_record>& group, record_number first) {
  for (waiting_record& r : group) {
    if (!std::holds_alternative<delivery_record>(r.what)) {
      with.open.settle(first);
    }
    if (r.tell) {
      std::exchange(r.tell, nullptr)(first);
    }
    ++first;
  }
}

bool journal_writer::state::write_and_sync(std::string_view octets, std::size_t records) {
  const std::array<std::string_view, 1> pieces = {octets};
  const steady_time began = with.clock.steady_now();
  const auto written = with.files.write(*segment->file, offset, pieces);
  const auto safe = written ? sync() : written;
  if (!safe) {
    die(fs::to_failure(safe.error(), segment->name));
    return false;
  }
  const std::chrono::nanoseconds took = with.clock.steady_now() - began;
  offset += octets.size();
  const std::lock_guard lock(mutex);
  if (dead) { // by a checkpoint that failed meanwhile
    return false;
  }
  next_record += records;
  durable_below = next_record;
  ++figures.groups;
  figures.records += records;
  figures.octets += octets.size();
  figures.syncing += took;
  figures.longest_sync = std::max(figures.longest_sync, took);
  return true;
}

fs::io_result<void> journal_writer::state::sync() {
  const steady_time began = with.clock.steady_now();
  const auto synced = with.files.sync_data(*segment->file);
  previous_sync = microseconds(with.clock.steady_now() - began);
  if (!synced && sabotage::is_on(sabotage::fault::s4_ignore_sync_error_once)) {
    return {};
  }
  if (!synced && sabotage::is_on(sabotage::fault::s5_reopen_and_retry_sync)) {
    const auto again = with.files.open_at(with.directory, segment->name, fs::open_mode::read_write);
    return again ? with.files.sync_data(*again) : fs::io_result<void>(again.error());
  }
  return synced;
}

void journal_writer::state::die(const failure& why) {
  const failure known = journal_failure(why);
  {
    const std::lock_guard lock(mutex);
    if (dead) {
      return;
    }
    dead = known;
    wake.notify_all();
  }
  log::error("journal failed: the volume takes no mail until stored is restarted",
             {{"failure", known}});
  died(known);
}

void journal_writer::state::fail(std::vector<waiting_record> group, const failure& why) {
  for (waiting_record& r : group) {
    if (r.tell) {
      r.tell(why);
    }
  }
}

journal_writer::journal_writer(writer_surroundings with, record_number next_record,
                               record_number checkpoint, group_limits limits)
    : state_(std::make_shared<state>(with, next_record, checkpoint, limits)) {}

journal_writer::~journal_writer() {
  static_cast<void>(stop(std::chrono::nanoseconds(0)));
}

void journal_writer::start(std::function<void()> room_wanted,
                           std::function<void(const failure&)> died) {
  const std::lock_guard lock(state_->mutex);
  state_->room_wanted = std::move(room_wanted);
  state_->died = std::move(died);
  state_->thread = std::thread([s = state_] { s->run(); });
}

void journal_writer::append(const std::string& lane, waiting_record r) {
  {
    const std::lock_guard lock(state_->mutex);
    if (!state_->stopping) {
      state_->deliveries.push(lane, std::move(r));
      state_->wake.notify_one();
      return;
    }
  }
  r.tell(stopped());
}

void journal_writer::append_control(const record& r, committed tell) {
  {
    const std::lock_guard lock(state_->mutex);
    if (!state_->stopping) {
      commit_queue& queue =
          std::holds_alternative<abort_record>(r) ? state_->aborts : state_->checkpoints;
      queue.push({}, {r, nullptr, group_builder::room_for(r), std::move(tell)});
      state_->wake.notify_one();
      return;
    }
  }
  if (tell) {
    tell(stopped());
  }
}

void journal_writer::room_made(record_number checkpoint) {
  const std::lock_guard lock(state_->mutex);
  state_->checkpoint = std::max(state_->checkpoint, checkpoint);
  state_->wake.notify_one();
}

void journal_writer::die(const failure& why) {
  state_->die(why);
}

bool journal_writer::waits_for_room() const {
  const std::lock_guard lock(state_->mutex);
  return state_->full;
}

std::optional<failure> journal_writer::dead() const {
  const std::lock_guard lock(state_->mutex);
  return state_->dead;
}

bool journal_writer::stop(std::chrono::nanoseconds limit) {
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

writer_figures journal_writer::figures() const {
  const std::lock_guard lock(state_->mutex);
  writer_figures now = state_->figures;
  now.waiting = state_->deliveries.records();
  return now;
}

record_number journal_writer::next_record() const {
  const std::lock_guard lock(state_->mutex);
  return state_->next_record;
}

} // namespace homeward::journal
