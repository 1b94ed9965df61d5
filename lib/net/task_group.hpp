#pragma once
// All sessions of a daemon, so that a stop can ask them to finish, wait, and cut what remains.
// The only place in the tree where a coroutine is started without somebody awaiting it.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace homeward::net {

// How a task is reached from outside; both are called on the task's own executor.
struct task_control {
  std::function<void()> ask_to_finish; // finish what was begun, begin nothing new
  std::function<void()> cut;           // end now
};

// Safe from any thread. Must outlive its tasks: await idle_within() before destruction.
class task_group {
 public:
  task_group() = default;
  task_group(const task_group&) = delete;
  task_group& operator=(const task_group&) = delete;

  // Starts `task` on `executor`. An exception that escapes it is a bug: it is logged with `name`
  // and ends this task only.
  void spawn(const boost::asio::any_io_executor& executor, const char* name,
             boost::asio::awaitable<void> task, task_control control = {});

  void ask_all_to_finish();
  void cut_all();
  [[nodiscard]] std::size_t size() const;

  // True as soon as no task is left, false when `limit` passes first.
  [[nodiscard]] boost::asio::awaitable<bool> idle_within(std::chrono::nanoseconds limit);

 private:
  struct entry {
    boost::asio::any_io_executor executor;
    task_control control;
  };
  void for_all(const std::function<void(const task_control&)>& call);
  void finished(std::uint64_t id, const char* name, const std::exception_ptr& error);

  mutable std::mutex mutex_; // guards the two below
  std::map<std::uint64_t, entry> tasks_;
  std::uint64_t next_id_ = 1;
};

} // namespace homeward::net
