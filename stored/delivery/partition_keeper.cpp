#include "stored/delivery/partition_keeper.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "lib/base/log.hpp"

namespace homeward::stored {

using open_ptr = std::shared_ptr<open_partition>;

// Shared with the thread, so that one that hangs for ever finds it still there.
struct partition_keeper::state {
  state(fs::file_system& f, const clock_source& c, kept_partition w)
      : files(&f), clock(&c), which(std::move(w)),
        now_open(transient_failure("partition " + which.name + " is not open yet")) {}

  void look();
  result<open_ptr> open_or_check(const result<open_ptr>& before) const;
  void log_change(const result<open_ptr>& before, const result<open_ptr>& after) const;
  void run();

  fs::file_system* const files;
  const clock_source* const clock;
  const kept_partition which;
  std::string known_id;     // of the partition first opened; only looks use it, one at a time
  mutable std::mutex mutex; // guards all below
  std::condition_variable changed;
  result<open_ptr> now_open;
  fs::volume_space space{};
  std::optional<steady_time> looking_since;
  bool looked = false;
  std::chrono::nanoseconds interval{};
  bool interval_changed = false;
  bool stopping = false;
  bool thread_ended = false;
  std::thread thread;
};

result<open_ptr> partition_keeper::state::open_or_check(const result<open_ptr>& before) const {
  if (before && (*before)->where.check()) {
    return *before;
  }
  // Gone, or mounted anew: what is there now?
  result<maildir::partition> opened = maildir::partition::open(*files, which.path, which.name);
  if (!opened) {
    return opened.error();
  }
  if (!known_id.empty() && known_id != opened->id()) {
    failure f = transient_failure(
        "partition " + which.name + " is not the one it was",
        which.path + " has the identity " + opened->id() + ", before it was " + known_id,
        "Mount the right volume, or restart stored when the exchange is meant.");
    f.reason = failure_reason::no_partition;
    return f;
  }
  const auto status = files->status(opened->root());
  if (!status) {
    return to_failure(status.error(), which.path);
  }
  std::shared_ptr<journal::volume_journal> volume_journal;
  if (which.journals != nullptr) {
    // Files what the journal holds for it; the next look goes on where this one failed.
    auto attached = which.journals->attach(*opened, status->device);
    if (!attached) {
      return attached.error();
    }
    volume_journal = std::move(*attached);
  }
  return std::make_shared<open_partition>(std::move(*opened), status->device, which.filing,
                                          std::move(volume_journal));
}

void partition_keeper::state::look() {
  if (which.journals != nullptr) {
    which.journals->close_unused();
  }
  result<open_ptr> before = transient_failure("");
  {
    const std::lock_guard lock(mutex);
    before = now_open;
    looking_since = clock->steady_now();
  }
  // Without the lock: this is what may hang.
  result<open_ptr> after = open_or_check(before);
  fs::volume_space room{};
  if (after) {
    if (const result<fs::volume_space> known = (*after)->where.space()) {
      room = *known;
    }
  }
  log_change(before, after);
  const std::lock_guard lock(mutex);
  if (after) {
    known_id = (*after)->where.id();
  }
  now_open = std::move(after);
  space = room;
  looking_since.reset();
  looked = true;
  changed.notify_all();
}

void partition_keeper::state::log_change(const result<open_ptr>& before,
                                         const result<open_ptr>& after) const {
  if (after && !before) {
    log::notice("partition open", {{"partition", which.name},
                                   {"path", which.path},
                                   {"id", (*after)->where.id()},
                                   {"paths", (*after)->where.paths().text()}});
  }
  if (!after && (before || describe(before.error()) != describe(after.error()))) {
    log::error("partition not usable: its mail waits at the senders",
               {{"partition", which.name}, {"path", which.path}, {"failure", after.error()}});
  }
}

void partition_keeper::state::run() {
  std::unique_lock lock(mutex);
  while (!stopping) {
    lock.unlock();
    look();
    lock.lock();
    changed.wait_for(lock, interval, [this] { return stopping || interval_changed; });
    interval_changed = false;
  }
  // What is under way holds its own reference; when that is done the volume can be unmounted.
  now_open = transient_failure("partition " + which.name + " is no longer served");
  thread_ended = true;
  changed.notify_all();
}

partition_keeper::partition_keeper(fs::file_system& files, const clock_source& clock,
                                   kept_partition which)
    : state_(std::make_shared<state>(files, clock, std::move(which))) {}

partition_keeper::~partition_keeper() {
  static_cast<void>(stop(std::chrono::nanoseconds(0)));
}

void partition_keeper::start(std::chrono::nanoseconds interval) {
  const std::lock_guard lock(state_->mutex);
  state_->interval = interval;
  state_->thread = std::thread([s = state_] { s->run(); });
}

void partition_keeper::set_interval(std::chrono::nanoseconds interval) {
  const std::lock_guard lock(state_->mutex);
  if (interval != state_->interval) {
    state_->interval = interval;
    state_->interval_changed = true;
    state_->changed.notify_all();
  }
}

void partition_keeper::ask_to_stop() {
  const std::lock_guard lock(state_->mutex);
  state_->stopping = true;
  state_->changed.notify_all();
}

bool partition_keeper::wait_for_first_look(std::chrono::nanoseconds limit) const {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait_for(lock, limit, [this] { return state_->looked; });
  return state_->now_open.has_value();
}

bool partition_keeper::has_looked() const {
  const std::lock_guard lock(state_->mutex);
  return state_->looked;
}

bool partition_keeper::stop(std::chrono::nanoseconds limit) {
  ask_to_stop();
  std::unique_lock lock(state_->mutex);
  if (!state_->thread.joinable()) {
    return true;
  }
  const bool ended = state_->changed.wait_for(lock, limit, [this] { return state_->thread_ended; });
  std::thread thread = std::move(state_->thread);
  lock.unlock();
  if (ended) {
    thread.join();
  } else {
    thread.detach();
  }
  return ended;
}

void partition_keeper::look() {
  state_->look();
}

result<open_ptr> partition_keeper::current() const {
  const std::lock_guard lock(state_->mutex);
  const kept_partition& which = state_->which;
  if (state_->looking_since &&
      state_->clock->steady_now() - *state_->looking_since > which.hangs_after) {
    return transient_failure("partition " + which.name + " does not answer",
                             which.path + " has not answered for " +
                                 std::to_string(which.hangs_after.count()) + " s",
                             "Its disk or file system hangs: look at dmesg.");
  }
  if (state_->now_open && (*state_->now_open)->journal != nullptr) {
    if (std::optional<failure> dead = (*state_->now_open)->journal->unusable()) {
      return std::move(*dead);
    }
  }
  return state_->now_open;
}

fs::volume_space partition_keeper::space() const {
  const std::lock_guard lock(state_->mutex);
  return state_->space;
}

const kept_partition& partition_keeper::which() const {
  return state_->which;
}

} // namespace homeward::stored
