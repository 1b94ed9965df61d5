#pragma once
// The connections to one store: kept open, reused only from a known-clean state, bounded in all and
// per partition, with a breaker. See reliability promises 15 and 23.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "lib/base/clock.hpp"
#include "lib/base/failure.hpp"
#include "lib/net/endpoint.hpp"
#include "lib/store_client/breaker.hpp"
#include "lib/store_client/connection.hpp"
#include "lib/store_client/settings.hpp"

namespace homeward::store_client {

// What an operator wants to know of a store.
struct pool_figures {
  std::size_t idle = 0;
  std::size_t in_use = 0;
  std::size_t waiting = 0;                          // transactions that wait for a connection
  std::uint64_t connects = 0;                       // TCP or unix connections made since start
  std::uint64_t transactions = 0;                   // begun since start
  bool down = false;                                // the breaker is open
  std::optional<store_protocol::load_figures> load; // as last told by the store
};

// Safe from any thread and strand. Held by shared_ptr: leases keep it alive.
class pool : public std::enable_shared_from_this<pool> {
 public:
  // The right to one connection for one transaction. Given back on destruction; a connection that
  // is not handed to put_back() is closed.
  class lease {
   public:
    lease() = default;
    lease(std::shared_ptr<pool> owner, std::string partition);
    lease(lease&& other) noexcept;
    lease& operator=(lease&& other) noexcept;
    lease(const lease&) = delete;
    lease& operator=(const lease&) = delete;
    ~lease();

    // Null until a connection was found or made.
    std::unique_ptr<connection> held;
    // Keeps the connection for the next transaction, if it is clean.
    void put_back();

   private:
    std::shared_ptr<pool> owner_;
    std::string partition_;
  };

  pool(boost::asio::io_context& context, std::string name, settings s);

  // New addresses are used for new connections.
  void set_endpoints(std::vector<net::endpoint> endpoints);

  // A lease with a connection in it, waiting for a free one until `give_up`. `fresh` asks for a new
  // connection. Fails transiently: down, too busy, or unreachable.
  [[nodiscard]] boost::asio::awaitable<result<lease>> acquire(std::string partition, bool fresh,
                                                              steady_time give_up);

  // Tells the breaker how a transaction went.
  void report(const transaction_report& r);

  // Closes what has been idle too long; called now and then.
  void close_idle();
  // Closes all idle connections and refuses new leases.
  void shut_down();

  [[nodiscard]] pool_figures figures() const;
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  struct waiter {
    explicit waiter(const boost::asio::any_io_executor& executor) : timer(executor) {}
    boost::asio::steady_timer timer;
    std::string partition;
    bool granted = false; // guarded by mutex_
  };

  boost::asio::awaitable<bool> wait_for_slot(std::string partition, steady_time give_up);
  [[nodiscard]] bool take_slot(const std::string& partition);
  void give_back_slot(const std::string& partition);
  void grant_to_waiters();
  [[nodiscard]] std::unique_ptr<connection> take_idle();
  [[nodiscard]] failure down_failure() const;
  void count_fault();
  void log_up() const;
  boost::asio::awaitable<void> probe_until_up();
  static void close_on_its_strand(std::unique_ptr<connection> c);

  boost::asio::io_context& context_;
  const std::string name_;
  const settings settings_;

  mutable std::mutex mutex_; // guards all below
  std::vector<net::endpoint> endpoints_;
  breaker breaker_;
  std::vector<std::unique_ptr<connection>> idle_; // most recently used last
  std::size_t in_use_ = 0;
  std::map<std::string, std::size_t> in_use_by_partition_;
  std::list<std::shared_ptr<waiter>> waiters_;
  std::uint64_t connects_ = 0;
  std::uint64_t transactions_ = 0;
  std::optional<store_protocol::load_figures> load_;
  std::shared_ptr<boost::asio::steady_timer> probe_timer_;
  bool stopping_ = false;
};

} // namespace homeward::store_client
