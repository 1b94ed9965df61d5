#include "stored/delivery/volume_workers.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <iterator>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "lib/base/log.hpp"

namespace homeward::stored {
namespace {

// A task that runs longer is thought to wait for something, so that another worker may run.
constexpr std::chrono::milliseconds taken_for_blocked{2};

struct lane {
  std::deque<std::function<void()>> waiting;
  std::multiset<steady_time> running; // when each began
};

// A worker that waits to be called.
struct sleeper {
  std::condition_variable wake;
  bool called = false;
};

} // namespace

// Shared with the threads, so that one that hangs for ever finds it still there.
struct volume_workers::state {
  state(const clock_source& c, worker_limits l) : clock(&c), limits(l) {}

  // The lane whose turn it is, counted from the one served last; null when none may run now.
  lane* next_lane() {
    auto after = lanes.upper_bound(served_last);
    for (std::size_t i = 0; i < lanes.size(); ++i, ++after) {
      if (after == lanes.end()) {
        after = lanes.begin();
      }
      if (!after->second.waiting.empty() && after->second.running.size() < limits.per_partition) {
        served_last = after->first;
        return &after->second;
      }
    }
    return nullptr;
  }

  // Whether a worker that is idle now should go to work.
  [[nodiscard]] bool has_work_for_another() { return active < limits.awake && has_runnable(); }
  [[nodiscard]] bool has_runnable() const {
    return std::any_of(lanes.begin(), lanes.end(), [this](const auto& named) {
      return !named.second.waiting.empty() && named.second.running.size() < limits.per_partition;
    });
  }
  // One idle worker keeps watch while something waits and enough are at work. It takes the work
  // over when they have not come to it: the one that is longest at its task counts as blocked.
  void wait_for_work(std::unique_lock<std::mutex>& lock, sleeper& me) {
    const auto is_over = [&] { return me.called || stopping; };
    me.called = false;
    asleep.push_back(&me);
    if (watched || !has_runnable()) {
      me.wake.wait(lock, is_over);
    } else {
      watched = true;
      me.wake.wait_for(lock, taken_for_blocked, is_over);
      watched = false;
    }
    if (me.called) {
      --called;
      return;
    }
    std::erase(asleep, &me);
    const auto oldest = std::find(at_work.begin(), at_work.end(), true);
    if (!stopping && has_runnable() && active >= limits.awake && oldest != at_work.end()) {
      *oldest = false;
      --active;
    }
  }
  // Somebody should look whether there is work: to do it, or to keep watch. Who fell asleep last
  // comes first: what it needs is still in the caches.
  void call_another() {
    const bool is_needed = active + called < limits.awake || (!watched && called == 0);
    if (is_needed && !asleep.empty() && has_runnable()) {
      sleeper& next = *asleep.back();
      asleep.pop_back();
      next.called = true;
      ++called;
      next.wake.notify_one();
    }
  }

  // From now on nothing is accepted; what waited is the caller's.
  std::vector<std::function<void()>> drop_waiting() {
    const std::lock_guard lock(mutex);
    stopping = true;
    std::vector<std::function<void()>> dropped;
    for (auto& [name, l] : lanes) {
      tasks -= l.waiting.size();
      std::move(l.waiting.begin(), l.waiting.end(), std::back_inserter(dropped));
      l.waiting.clear();
    }
    for (sleeper* each : asleep) {
      each->wake.notify_one();
    }
    return dropped;
  }

  const clock_source* clock;
  worker_limits limits;
  mutable std::mutex mutex; // guards all below
  std::condition_variable idle;
  std::map<std::string, lane> lanes;
  std::string served_last;
  std::size_t tasks = 0;   // waiting and running
  std::list<bool> at_work; // a task that runs, the oldest first: does it count as active?
  std::size_t active = 0;  // of them
  std::size_t called = 0;  // told to come, and not there yet
  std::vector<sleeper*> asleep;
  bool watched = false;
  std::size_t alive = 0;            // threads
  bool is_short_of_threads = false; // and the log says so
  bool stopping = false;
  std::vector<std::thread> threads;
};

volume_workers::volume_workers(const clock_source& clock, worker_limits limits)
    : state_(std::make_shared<state>(clock, limits)) {
  const std::lock_guard lock(state_->mutex);
  start_missing_threads();
}

// What cannot be had now is asked for again by the next delivery.
void volume_workers::start_missing_threads() {
  try {
    while (state_->alive < state_->limits.workers) {
      state_->threads.emplace_back([s = state_] { work(s); });
      ++state_->alive;
    }
  } catch (const std::system_error& e) {
    if (!std::exchange(state_->is_short_of_threads, true)) {
      log::warning("fewer threads than wanted",
                   {{"have", state_->alive},
                    {"wanted", state_->limits.workers},
                    {"why", e.what()},
                    {"next", "raise the limit of tasks: TasksMax= of the unit, or ulimit -u"}});
    }
    return;
  }
  state_->is_short_of_threads = false;
}

volume_workers::~volume_workers() {
  static_cast<void>(stop(std::chrono::nanoseconds(0)));
}

result<void> volume_workers::admits(const std::string& lane_name, lane_limits limits) {
  const std::lock_guard lock(state_->mutex);
  if (state_->stopping) {
    return transient_failure("the store is stopping");
  }
  start_missing_threads();
  if (state_->alive == 0) {
    return transient_failure("the store gets no threads", {},
                             "Raise the limit of tasks: TasksMax= of the unit, or ulimit -u.");
  }
  const lane& into = state_->lanes[lane_name];
  const steady_time now = state_->clock->steady_now();
  if (!into.running.empty() && now - *into.running.begin() > limits.stuck_after) {
    return transient_failure("partition " + lane_name + " does not answer", {},
                             "Its disk or file system hangs: look at dmesg and at 'ps -eLo "
                             "stat,wchan,comm' for threads in state D.");
  }
  if (into.waiting.size() >= limits.waiting) {
    return transient_failure("partition " + lane_name + " has too much mail waiting", {},
                             "If its disk is healthy, raise limits.deliveries_per_partition.");
  }
  return {};
}

result<void> volume_workers::submit(const std::string& lane_name, std::function<void()> task) {
  const std::lock_guard lock(state_->mutex);
  if (state_->stopping) {
    return transient_failure("the store is stopping");
  }
  state_->lanes[lane_name].waiting.push_back(std::move(task));
  ++state_->tasks;
  state_->call_another();
  return {};
}

void volume_workers::work(const std::shared_ptr<state>& s) {
  sleeper me;
  std::unique_lock lock(s->mutex);
  while (!s->stopping) {
    if (!s->has_work_for_another()) {
      s->wait_for_work(lock, me);
      continue;
    }
    lane* const mine = s->next_lane();
    std::function<void()> task = std::move(mine->waiting.front());
    mine->waiting.pop_front();
    const auto began = mine->running.insert(s->clock->steady_now());
    const auto counted = s->at_work.insert(s->at_work.end(), true);
    ++s->active;
    s->call_another();
    lock.unlock();
    try {
      task();
    } catch (const std::exception& e) {
      log::error("bug: a delivery ended by an exception", {{"what", e.what()}});
    }
    task = nullptr; // its end is part of the work: it may answer a client
    lock.lock();
    mine->running.erase(began);
    s->active -= *counted ? 1U : 0U;
    s->at_work.erase(counted);
    --s->tasks;
  }
  if (--s->alive == 0) {
    s->idle.notify_all();
  }
}

bool volume_workers::stop(std::chrono::nanoseconds limit) {
  // Destroyed first of all, and without the lock: that answers their clients.
  std::vector<std::function<void()>> dropped = state_->drop_waiting();
  dropped.clear();
  std::unique_lock lock(state_->mutex);
  const bool all_ended = state_->idle.wait_for(lock, limit, [this] { return state_->alive == 0; });
  std::vector<std::thread> threads = std::exchange(state_->threads, {});
  lock.unlock();
  for (std::thread& thread : threads) {
    if (all_ended) {
      thread.join();
    } else {
      thread.detach();
    }
  }
  return all_ended;
}

unsigned volume_workers::busy_percent() const {
  const std::lock_guard lock(state_->mutex);
  return static_cast<unsigned>(
      std::min<std::size_t>(100, state_->tasks * 100 / state_->limits.workers));
}

} // namespace homeward::stored
