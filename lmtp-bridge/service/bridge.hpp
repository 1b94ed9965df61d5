#pragma once
// The daemon: owns the listeners, the directory follower, the connections to the stores and all
// LMTP sessions, and wires them together.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "lib/base/clock.hpp"
#include "lib/base/failure.hpp"
#include "lib/directory/follower.hpp"
#include "lib/fs/real_file_system.hpp"
#include "lib/net/io_threads.hpp"
#include "lib/net/listener.hpp"
#include "lib/net/task_group.hpp"
#include "lib/store_client/store_client.hpp"

#include "lmtp-bridge/delivery/agent.hpp"
#include "lmtp-bridge/delivery/path_homes.hpp"
#include "lmtp-bridge/routing/router.hpp"
#include "lmtp-bridge/service/lmtp_connection.hpp"
#include "lmtp-bridge/service/settings.hpp"
#include "lmtp-bridge/service/spooling.hpp"

namespace homeward::bridge {

// Made and destroyed by main; run() blocks until the daemon is told to stop.
class bridge {
 public:
  // `file` is read again on SIGHUP.
  bridge(settings s, std::string file);
  ~bridge();
  bridge(const bridge&) = delete;
  bridge& operator=(const bridge&) = delete;

  // Opens the spool and the listeners. The failure ends the start.
  [[nodiscard]] result<void> open();
  // Serves until SIGTERM or SIGINT, and returns when everything has ended.
  void run();

 private:
  // What changes on reload, swapped as a whole.
  struct live_state {
    live_settings settings;
    std::shared_ptr<const router> routes;
  };
  // The policy every session is given: always the current router.
  class current_policy;

  [[nodiscard]] std::shared_ptr<const live_state> live() const;
  void make_live(live_settings s);
  void reload();
  void stop_accepting();
  void finish();
  void accept(net::accepted a);
  [[nodiscard]] bool admit(const net::accepted& a, const session_limits& limits);
  boost::asio::awaitable<void> serve(std::shared_ptr<lmtp_connection> c, std::string peer_address);
  boost::asio::awaitable<void> keep_house();

  const settings settings_;
  const std::string file_;
  const std::string hostname_;
  system_clock_source clock_;
  fs::real_file_system files_;
  boost::asio::thread_pool workers_;
  net::io_threads threads_;
  directory::follower follower_;

  mutable std::mutex mutex_; // guards live_ and sessions_by_peer_
  std::shared_ptr<const live_state> live_;
  std::map<std::string, std::size_t> sessions_by_peer_;

  store_client::store_client stores_;
  path_homes paths_;
  std::unique_ptr<current_policy> policy_;
  std::unique_ptr<delivery::agent> agent_;
  std::unique_ptr<spooling> spools_;
  std::vector<net::listener> listeners_;
  boost::asio::steady_timer housekeeping_;
  net::task_group sessions_;
  net::task_group background_;
};

} // namespace homeward::bridge
