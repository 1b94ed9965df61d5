#include "lib/net/task_group.hpp"

#include <exception>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "lib/base/log.hpp"

namespace homeward::net {

namespace asio = boost::asio;
constexpr std::chrono::milliseconds look_again_after{10};

void task_group::spawn(const asio::any_io_executor& executor, const char* name,
                       asio::awaitable<void> task, task_control control) {
  std::uint64_t id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = next_id_++;
    tasks_.emplace(id, entry{executor, std::move(control)});
  }
  asio::co_spawn(executor, std::move(task),
                 [this, id, name](const std::exception_ptr& error) { finished(id, name, error); });
}

void task_group::finished(std::uint64_t id, const char* name, const std::exception_ptr& error) {
  if (error) {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      log::error("bug: a task ended by an exception", {{"task", name}, {"what", e.what()}});
    }
  }
  const std::lock_guard lock(mutex_);
  tasks_.erase(id);
}

void task_group::for_all(const std::function<void(const task_control&)>& call) {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, task] : tasks_) {
    asio::post(task.executor, [call, control = task.control] { call(control); });
  }
}

void task_group::ask_all_to_finish() {
  for_all([](const task_control& control) {
    if (control.ask_to_finish) {
      control.ask_to_finish();
    }
  });
}

void task_group::cut_all() {
  for_all([](const task_control& control) {
    if (control.cut) {
      control.cut();
    }
  });
}

std::size_t task_group::size() const {
  const std::lock_guard lock(mutex_);
  return tasks_.size();
}

asio::awaitable<bool> task_group::idle_within(std::chrono::nanoseconds limit) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  const auto give_up = std::chrono::steady_clock::now() + limit;
  while (size() != 0) {
    if (std::chrono::steady_clock::now() >= give_up) {
      co_return false;
    }
    timer.expires_after(look_again_after);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  co_return true;
}

} // namespace homeward::net
