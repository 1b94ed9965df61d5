#pragma once
// A listening socket, TCP or unix, and the loop that accepts from it.

#include <functional>
#include <memory>
#include <string>
#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>

#include "lib/base/failure.hpp"
#include "lib/net/endpoint.hpp"
#include "lib/net/stream.hpp"

namespace homeward::net {

// One accepted connection; its socket lives on a strand of its own.
struct accepted {
  stream_socket socket;
  std::string peer;                 // "192.0.2.7:4711" or "unix"
  boost::asio::ip::address address; // unspecified for unix sockets
  bool is_unix = false;
};

// Opened in main before privileges or readiness; run() is one coroutine for the daemon's life.
class listener {
 public:
  // Binds and listens. A stale unix socket (nobody answers on it) is replaced, a live one is an
  // error. `unix_mode` is the socket's file mode. A TCP host must be numeric, "localhost" or "*"
  // (any). Failures say what to do next.
  [[nodiscard]] static result<listener> open(boost::asio::io_context& context,
                                             const endpoint& where, mode_t unix_mode);

  listener(listener&&) noexcept;
  listener& operator=(listener&&) noexcept;
  ~listener();

  // Accepts until close(). Out of descriptors it waits a moment instead of spinning, and logs.
  // `handle` is called for every connection and must not block. `context_of_next` says where the
  // next connection shall live; without it, where the listener does.
  [[nodiscard]] boost::asio::awaitable<void>
  run(std::function<void(accepted)> handle,
      std::function<boost::asio::io_context&()> context_of_next = {});

  // Stops accepting and removes the path of a unix socket. May be called from any thread.
  void close();

  [[nodiscard]] const endpoint& where() const;
  // The descriptor that listens, for code that accepts by itself (libmilter) instead of run(). It
  // stays this object's own.
  [[nodiscard]] int native_handle();

 private:
  struct state;
  explicit listener(std::shared_ptr<state> s);
  std::shared_ptr<state> state_;
};

} // namespace homeward::net
