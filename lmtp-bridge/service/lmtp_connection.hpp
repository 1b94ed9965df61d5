#pragma once
// Drives one lmtp::session over one net::stream: reads, writes, keeps the message while it arrives,
// and waits for its delivery. One strand; nothing here decides anything about mail.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "lib/fs/message_spool.hpp"
#include "lib/mail/delivery_key.hpp"
#include "lib/net/stream.hpp"
#include "lib/net/transfer_pace.hpp"

#include "lmtp-bridge/delivery/agent.hpp"
#include "lmtp-bridge/lmtp/session.hpp"
#include "lmtp-bridge/service/spooling.hpp"

namespace homeward::bridge {

class lmtp_connection {
 public:
  // What all connections share; must outlive them.
  struct shared {
    const lmtp::recipient_policy& policy;
    delivery::agent& agent;
    spooling& spools;
    byte_count data_rate; // octets a second that a message must make on average; 0: any
  };

  lmtp_connection(net::stream stream, lmtp::session_settings settings, shared s);

  // The whole session, until the connection is closed.
  [[nodiscard]] boost::asio::awaitable<void> run();
  // Says 421 and closes: too many sessions.
  [[nodiscard]] boost::asio::awaitable<void> turn_away();

  // For the task group, on this connection's strand.
  void ask_to_finish();
  void cut();

 private:
  boost::asio::awaitable<void> perform_actions();
  boost::asio::awaitable<void> perform(lmtp::action action);
  boost::asio::awaitable<void> append(std::string_view octets);
  boost::asio::awaitable<void> deliver(std::uint64_t transaction);
  [[nodiscard]] delivery::incoming take_message();
  void report(std::uint64_t transaction, std::vector<mail::reply> outcomes);
  boost::asio::awaitable<void> write(std::string_view octets);
  boost::asio::awaitable<void> read_more();
  void take_note_of(const boost::system::error_code& error);
  void cannot_keep(const failure& why);
  void note_end(lmtp::close_reason why);
  [[nodiscard]] std::chrono::nanoseconds read_limit();

  net::stream stream_;
  shared shared_;
  lmtp::session session_;
  net::transfer_pace pace_;
  bool closed_ = false;
  bool cut_ = false;

  std::vector<char> buffer_; // octets [begin_, end_) are received and not yet taken by the session
  std::size_t begin_ = 0;
  std::size_t end_ = 0;

  // The message that is arriving.
  std::optional<lmtp::envelope> envelope_;
  std::optional<spooling::message> message_;
  std::optional<mail::delivery_key> key_;
  std::optional<failure> spool_fault_; // it could not be kept: every recipient gets this
};

} // namespace homeward::bridge
