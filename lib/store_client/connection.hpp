#pragma once
// One connection to a store: drives a store_protocol::client_session over a net::stream.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "lib/base/clock.hpp"
#include "lib/base/failure.hpp"
#include "lib/fs/message_spool.hpp"
#include "lib/net/endpoint.hpp"
#include "lib/net/stream.hpp"
#include "lib/store_client/settings.hpp"
#include "lib/store_protocol/client_session.hpp"

namespace homeward::store_client {

// What came of one transaction.
struct transaction_report {
  std::vector<store_protocol::outcome> outcomes; // one per recipient of the envelope, in order
  std::optional<store_protocol::load_figures> load;
  bool connection_failed = false; // lost, silent or talking nonsense: counts against the store
};

// All coroutines must run on the strand on which open() ran, one at a time.
class connection {
 public:
  // Connects to the first of `endpoints` that answers and asks it what it can do. Waits no longer
  // than `give_up`.
  [[nodiscard]] static boost::asio::awaitable<result<std::unique_ptr<connection>>>
  open(std::vector<net::endpoint> endpoints, settings s, steady_time give_up);

  connection(net::stream stream, const settings& s);

  // One transaction. Never throws; every recipient gets an outcome. `message` holds exactly
  // `envelope.size` octets and is read only. Waits no longer than `give_up`.
  [[nodiscard]] boost::asio::awaitable<transaction_report>
  deliver(store_protocol::envelope envelope, std::shared_ptr<const fs::message_spool> message,
          steady_time give_up);

  // NOOP: is the store there, and how loaded is it?
  [[nodiscard]] boost::asio::awaitable<result<std::optional<store_protocol::load_figures>>>
  probe(steady_time give_up);

  // FULL: the mailboxes that are nearly or quite at their limit; none from a store without FULL.
  [[nodiscard]] boost::asio::awaitable<result<std::vector<store_protocol::mailbox_usage>>>
  full_mailboxes(steady_time give_up);

  // Whatever it is at ends at once, as if the connection were lost.
  void cut();

  // True when another transaction may follow. Looks at the socket: a peer that closed or spoke
  // unasked is not reusable.
  [[nodiscard]] bool is_reusable(steady_time now, std::chrono::seconds longest_idle);

  [[nodiscard]] const store_protocol::server_features& features() const {
    return session_.features();
  }
  [[nodiscard]] const std::string& peer() const { return stream_.peer(); }
  [[nodiscard]] boost::asio::any_io_executor get_executor() { return stream_.get_executor(); }

 private:
  enum class progress : unsigned char { pending, done, ended };

  boost::asio::awaitable<progress> drive(steady_time give_up);
  boost::asio::awaitable<progress> perform_actions();
  boost::asio::awaitable<void> read_replies(steady_time give_up);
  boost::asio::awaitable<bool> send(boost::asio::const_buffer more = {});
  boost::asio::awaitable<bool> send_body();
  [[nodiscard]] std::chrono::nanoseconds patience(steady_time give_up) const;
  void lost(const std::string& why);
  [[nodiscard]] failure trouble() const;

  net::stream stream_;
  settings settings_;
  store_protocol::client_session session_;
  steady_time born_;
  steady_time last_used_;

  std::string unread_;                               // received, not yet consumed by the session
  std::string unsent_;                               // to be written before anything else
  std::shared_ptr<const fs::message_spool> message_; // of the transaction under way
  std::optional<store_protocol::action_finished> finished_;
  std::optional<store_protocol::action_probed> probed_;
  std::optional<store_protocol::action_listed> listed_;
};

} // namespace homeward::store_client
