#pragma once
// The threads that do the blocking work of one volume (file system, by device). Every partition on
// it has a lane of its own: a bounded queue, and a bound on the workers it may hold at once, so
// that a partition that hangs leaves workers for its neighbours. Lanes take turns. Work that does
// not wait for a disk needs no more threads than there are processors: the others stay asleep until
// those at work are seen to wait.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "lib/base/clock.hpp"
#include "lib/base/failure.hpp"

namespace homeward::stored {

struct worker_limits {
  std::size_t workers = 16;       // threads of the volume
  std::size_t per_partition = 12; // of them held by one lane; must be fewer
  // So many are woken at once. More only when one of these is at the same task for a while.
  std::size_t awake = 16;
};

// What a lane may have waiting when a task is submitted.
struct lane_limits {
  std::size_t waiting = 512;
  std::chrono::nanoseconds stuck_after = std::chrono::seconds(60); // a task that runs longer
};

// Safe from any thread.
class volume_workers {
 public:
  // `clock` must outlive the threads; see stop().
  volume_workers(const clock_source& clock, worker_limits limits);
  // Stops without waiting: drops what waits, leaves a worker that hangs to itself.
  ~volume_workers();
  volume_workers(const volume_workers&) = delete;
  volume_workers& operator=(const volume_workers&) = delete;

  // Whether the lane takes another task. Not (transient) when it is full, when one of its tasks
  // hangs, when the system gives no thread, or after stop().
  [[nodiscard]] result<void> admits(const std::string& lane, lane_limits limits);
  // Runs `task` on a worker when the lane's turn comes. Fails only after stop(): whoever submits
  // has asked admits() before. An exception of a task is a bug: logged, the worker goes on.
  [[nodiscard]] result<void> submit(const std::string& lane, std::function<void()> task);

  // Drops what waits (the tasks are destroyed) and waits for what runs. False when a task still
  // runs after `limit`: its thread is left behind and uses what the task uses, so the process
  // should end without destroying that.
  [[nodiscard]] bool stop(std::chrono::nanoseconds limit);

  // Tasks waiting and running, in percent of the workers, at most 100.
  [[nodiscard]] unsigned busy_percent() const;

 private:
  struct state;
  void start_missing_threads();
  static void work(const std::shared_ptr<state>& s);
  std::shared_ptr<state> state_;
};

} // namespace homeward::stored
