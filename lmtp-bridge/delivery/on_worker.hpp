#pragma once
// Runs a blocking call on a worker thread while the coroutine waits on its own strand.

#include <optional>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace homeward::bridge {

namespace detail {

template <class Call, class Value>
boost::asio::awaitable<void> store_value(Call& call, std::optional<Value>& value) {
  value.emplace(call());
  co_return;
}

} // namespace detail

// The value of `call`, which must not throw and may refer to the caller's frame: it is over when
// this returns.
template <class Call>
boost::asio::awaitable<decltype(std::declval<Call&>()())>
on_worker(boost::asio::thread_pool& workers, Call call) {
  std::optional<decltype(call())> value;
  co_await boost::asio::co_spawn(workers, detail::store_value(call, value),
                                 boost::asio::use_awaitable);
  co_return std::move(*value);
}

} // namespace homeward::bridge
