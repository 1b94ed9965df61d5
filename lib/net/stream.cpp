#include "lib/net/stream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace homeward::net {

namespace asio = boost::asio;
using asio::ip::tcp;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

// Shared with the pending timer handler, which may run after the stream is gone. The timer is not
// re-armed for every operation: it sleeps until the deadline it knows and then looks again.
struct stream::state : std::enable_shared_from_this<stream::state> {
  using clock = std::chrono::steady_clock;

  explicit state(stream_socket s) : socket(std::move(s)), timer(socket.get_executor()) {}

  void wait_until(clock::time_point when) {
    sleeping_until = when;
    timer.expires_at(when);
    timer.async_wait([self = shared_from_this(), when](boost::system::error_code error) {
      if (!error && self->sleeping_until == when) {
        self->look_again();
      }
    });
  }

  void look_again() {
    sleeping_until = clock::time_point::max();
    if (deadline == clock::time_point::max()) {
      return;
    }
    if (clock::now() < deadline) {
      wait_until(deadline);
      return;
    }
    timed_out = true;
    boost::system::error_code ignored;
    socket.cancel(ignored);
  }

  stream_socket socket;
  asio::steady_timer timer;
  clock::time_point deadline = clock::time_point::max();
  clock::time_point sleeping_until = clock::time_point::max();
  bool is_tcp = false;
  bool has_read = false; // since the last write
  bool reading = false;
  bool timed_out = false;
  bool cut = false;
};

stream::stream(stream_socket socket, std::string peer)
    : state_(std::make_shared<state>(std::move(socket))), peer_(std::move(peer)) {
  boost::system::error_code ignored;
  const int family = state_->socket.local_endpoint(ignored).protocol().family();
  state_->is_tcp = family == AF_INET || family == AF_INET6;
  if (state_->is_tcp) {
    state_->socket.set_option(tcp::no_delay(true), ignored);
  }
}

stream::~stream() {
  if (state_) {
    state_->timer.cancel();
    boost::system::error_code ignored;
    state_->socket.close(ignored);
  }
}

asio::any_io_executor stream::get_executor() {
  return state_->socket.get_executor();
}

void stream::arm(std::chrono::nanoseconds limit) {
  state_->timed_out = false;
  state_->deadline = state::clock::now() + limit;
  if (state_->deadline < state_->sleeping_until) {
    state_->wait_until(state_->deadline);
  }
}

void stream::disarm() {
  state_->deadline = state::clock::time_point::max();
}

asio::awaitable<read_outcome> stream::read_some(asio::mutable_buffer buffer,
                                                std::chrono::nanoseconds limit) {
  if (state_->cut) {
    co_return read_outcome{asio::error::operation_aborted, 0};
  }
  if (state_->is_tcp && std::exchange(state_->has_read, true)) {
    const int on = 1;
    ::setsockopt(state_->socket.native_handle(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
  }
  arm(limit);
  state_->reading = true;
  auto [error, octets] = co_await state_->socket.async_read_some(buffer, as_result);
  state_->reading = false;
  disarm();
  if (error == asio::error::operation_aborted && state_->timed_out) {
    error = asio::error::timed_out;
  }
  co_return read_outcome{error, octets};
}

asio::awaitable<boost::system::error_code> stream::write_all(asio::const_buffer data,
                                                             std::chrono::nanoseconds limit,
                                                             asio::const_buffer more) {
  while (data.size() + more.size() > 0) {
    if (state_->cut) {
      co_return asio::error::operation_aborted;
    }
    arm(limit);
    const std::array<asio::const_buffer, 2> both{data, more};
    const auto [error, octets] = co_await state_->socket.async_write_some(both, as_result);
    state_->has_read = false;
    disarm();
    if (error) {
      const bool late = error == asio::error::operation_aborted && state_->timed_out;
      co_return late ? asio::error::make_error_code(asio::error::timed_out) : error;
    }
    const std::size_t of_data = std::min(octets, data.size());
    data += of_data;
    more += octets - of_data;
  }
  co_return boost::system::error_code{};
}

void stream::cut() {
  state_->cut = true;
  boost::system::error_code ignored;
  state_->socket.shutdown(asio::socket_base::shutdown_both, ignored);
  state_->socket.cancel(ignored);
}

void stream::interrupt_read() {
  if (state_->reading) {
    boost::system::error_code ignored;
    state_->socket.cancel(ignored);
  }
}

void stream::finish_sending() {
  boost::system::error_code ignored;
  state_->socket.shutdown(asio::socket_base::shutdown_send, ignored);
}

bool stream::has_unexpected_input() {
  char octet = 0;
  const ssize_t n = ::recv(state_->socket.native_handle(), &octet, 1, MSG_PEEK | MSG_DONTWAIT);
  return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

namespace {

failure cannot_connect(const endpoint& to, const std::string& why) {
  failure f = transient_failure("cannot reach " + to_string(to), why);
  f.advice = "Check that the daemon there runs and that the address is right.";
  return f;
}

// Cuts a pending connect or resolve short when the limit passes.
template <class Cancellable>
void cancel_after(asio::steady_timer& timer, std::chrono::nanoseconds limit, Cancellable& what) {
  timer.expires_after(limit);
  timer.async_wait([&what](boost::system::error_code error) {
    if (!error) {
      what.cancel();
    }
  });
}

asio::awaitable<result<stream>> connect_unix(endpoint to) {
  asio::local::stream_protocol::socket socket(co_await asio::this_coro::executor);
  const auto [error] =
      co_await socket.async_connect(asio::local::stream_protocol::endpoint(to.path), as_result);
  if (error) {
    co_return cannot_connect(to, error.message());
  }
  co_return stream(std::move(socket), to_string(to));
}

asio::awaitable<result<stream>> connect_tcp(endpoint to, std::chrono::nanoseconds limit) {
  const auto executor = co_await asio::this_coro::executor;
  const auto give_up = std::chrono::steady_clock::now() + limit;
  tcp::resolver::results_type addresses;
  boost::system::error_code numeric;
  const auto literal = asio::ip::make_address(to.host, numeric);
  if (!numeric) {
    addresses = tcp::resolver::results_type::create(tcp::endpoint(literal, to.port), to.host, "");
  } else {
    tcp::resolver resolver(executor);
    asio::steady_timer timer(executor);
    cancel_after(timer, limit, resolver);
    auto [error, found] =
        co_await resolver.async_resolve(to.host, std::to_string(to.port), as_result);
    timer.cancel();
    if (error) {
      co_return cannot_connect(to, "the name does not resolve: " + error.message());
    }
    addresses = std::move(found);
  }
  tcp::socket socket(executor);
  asio::steady_timer timer(executor);
  cancel_after(timer, give_up - std::chrono::steady_clock::now(), socket);
  const auto [error, where] = co_await asio::async_connect(socket, addresses, as_result);
  timer.cancel();
  if (error) {
    const bool late = std::chrono::steady_clock::now() >= give_up;
    co_return cannot_connect(to, late ? "no answer in time" : error.message());
  }
  co_return stream(std::move(socket), to_string(to));
}

} // namespace

asio::awaitable<result<stream>> connect(endpoint to, std::chrono::nanoseconds limit) {
  if (to.is_unix()) {
    return connect_unix(std::move(to));
  }
  return connect_tcp(std::move(to), limit);
}

} // namespace homeward::net
