#pragma once
// Runs several coroutines at the same time and waits for all of them.

#include <cstddef>
#include <exception>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace homeward::bridge {

// Starts `tasks` on the calling coroutine's executor, which must be a strand, and returns when the
// last has ended; the first of their exceptions, if any, is thrown then. The tasks may refer to the
// caller's frame. One task is awaited in place.
inline boost::asio::awaitable<void> all_of(std::vector<boost::asio::awaitable<void>> tasks) {
  namespace asio = boost::asio;
  if (tasks.size() == 1) {
    co_await std::move(tasks.front());
    co_return;
  }
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer all_done(executor, asio::steady_timer::time_point::max());
  std::size_t left = tasks.size();
  std::exception_ptr first;
  for (auto& task : tasks) {
    asio::co_spawn(executor, std::move(task), [&](const std::exception_ptr& error) {
      if (error && !first) {
        first = error;
      }
      if (--left == 0) {
        all_done.cancel();
      }
    });
  }
  while (left != 0) {
    co_await all_done.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  if (first) {
    std::rethrow_exception(first);
  }
}

} // namespace homeward::bridge
