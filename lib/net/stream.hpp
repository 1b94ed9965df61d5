#pragma once
// One connected socket, TCP or unix, with a deadline on every operation (reliability promise 22).
// Drivers of sessions read and write through it; nothing else in the tree touches a socket's data.

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>

#include "lib/base/failure.hpp"
#include "lib/net/endpoint.hpp"

namespace homeward::net {

using stream_socket = boost::asio::generic::stream_protocol::socket;

// Outcome of one read: `error` is asio::error::eof when the peer closed, asio::error::timed_out
// when the limit passed, asio::error::operation_aborted after cut().
struct read_outcome {
  boost::system::error_code error;
  std::size_t octets = 0;
};

// Move-only owner of the socket. All members must be called on the socket's executor (a strand);
// the coroutines may run on it or be spawned on it.
class stream {
 public:
  stream(stream_socket socket, std::string peer);
  stream(stream&&) noexcept = default;
  stream& operator=(stream&&) noexcept = default;
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;
  ~stream();

  // Reads at least one octet. After another read it re-arms TCP_QUICKACK first, so that a peer with
  // Nagle's algorithm on (sendmail) is not held up for the delayed acknowledgement; after a write
  // what was written has carried the acknowledgement.
  [[nodiscard]] boost::asio::awaitable<read_outcome> read_some(boost::asio::mutable_buffer buffer,
                                                               std::chrono::nanoseconds limit);

  // Writes all of `data`, then all of `more`, gathered where the kernel takes both; the limit
  // restarts with every piece the peer takes. An error means that an unknown part was sent.
  [[nodiscard]] boost::asio::awaitable<boost::system::error_code>
  write_all(boost::asio::const_buffer data, std::chrono::nanoseconds limit,
            boost::asio::const_buffer more = {});

  // Ends pending operations with operation_aborted; later ones fail at once.
  void cut();
  // Ends a pending read, and only a read, with operation_aborted; the stream stays good.
  void interrupt_read();
  // Tells the peer that nothing more will come; reading goes on. For a last reply that must arrive.
  void finish_sending();
  // True when unread octets wait or the peer has closed: an idle pooled connection must be neither.
  [[nodiscard]] bool has_unexpected_input();

  [[nodiscard]] const std::string& peer() const { return peer_; } // for the log: address or "unix"
  [[nodiscard]] boost::asio::any_io_executor get_executor();

 private:
  struct state;
  void arm(std::chrono::nanoseconds limit);
  void disarm();

  std::shared_ptr<state> state_;
  std::string peer_;
};

// Connects to `to` within `limit`, trying each address that a name resolves to. The socket lives on
// the calling coroutine's executor. Failures are transient and name the endpoint.
[[nodiscard]] boost::asio::awaitable<result<stream>> connect(endpoint to,
                                                             std::chrono::nanoseconds limit);

} // namespace homeward::net
