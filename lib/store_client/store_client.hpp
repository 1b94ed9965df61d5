#pragma once
// Delivers messages to stores: one pool per store, and the retry rule. The bridge's delivery calls
// deliver() once per group of recipients; homewardctl uses connection directly.

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "lib/base/clock.hpp"
#include "lib/net/endpoint.hpp"
#include "lib/store_client/pool.hpp"
#include "lib/store_client/settings.hpp"
#include "lib/store_protocol/transaction.hpp"

namespace homeward::store_client {

// A store as the directory knows it.
struct store_address {
  std::string name;
  std::vector<net::endpoint> endpoints; // tried in order
};

// Safe from any thread. Outlives all deliveries.
class store_client {
 public:
  store_client(boost::asio::io_context& context, const settings& s);

  // One transaction to one partition of one store, with one outcome per recipient of `envelope`, in
  // order, no later than `give_up`. When a connection fails, the recipients without a settled
  // outcome are tried once more with the same NAME on a fresh connection: the store recognises the
  // repeat, so this makes no second copy. What is still open then is unknown_outcome or transient.
  [[nodiscard]] boost::asio::awaitable<std::vector<store_protocol::outcome>>
  deliver(store_address store, store_protocol::envelope envelope,
          std::shared_ptr<const fs::message_spool> message, steady_time give_up);

  // Closes idle connections; the owner calls it every few seconds.
  void close_idle();
  // No new transactions; idle connections are closed, probes end.
  void shut_down();

  // Per store name, for status and the log.
  [[nodiscard]] std::map<std::string, pool_figures> figures() const;

 private:
  [[nodiscard]] std::shared_ptr<pool> pool_of(const store_address& store);

  boost::asio::io_context& context_;
  const settings settings_;
  mutable std::mutex mutex_; // guards pools_
  std::map<std::string, std::shared_ptr<pool>> pools_;
};

} // namespace homeward::store_client
