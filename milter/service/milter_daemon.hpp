#pragma once
// The daemon: owns the directory follower, what is known of aliases and stores, and the doors, and
// takes them through start, reload and stop.

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "lib/base/clock.hpp"
#include "lib/base/failure.hpp"
#include "lib/directory/follower.hpp"
#include "lib/fs/real_file_system.hpp"
#include "lib/net/io_threads.hpp"
#include "lib/net/task_group.hpp"
#include "lib/store_client/watch.hpp"

#include "milter/filter/filter_session.hpp"
#include "milter/knowledge/alias_watch.hpp"
#include "milter/knowledge/background.hpp"
#include "milter/knowledge/memory.hpp"
#include "milter/policy/sender_rate.hpp"
#include "milter/service/door.hpp"
#include "milter/service/settings.hpp"
#include "milter/service/watched_stores.hpp"

namespace homeward::milter {

// Made and destroyed by main; run() blocks until the daemon is told to stop.
class milter_daemon {
 public:
  // `file` is read again on SIGHUP.
  milter_daemon(settings s, std::string file);
  ~milter_daemon();
  milter_daemon(const milter_daemon&) = delete;
  milter_daemon& operator=(const milter_daemon&) = delete;

  // Opens the doors that the settings name. The failure ends the start.
  [[nodiscard]] result<void> open();
  // Serves until SIGTERM or SIGINT, and returns when everything has ended; false when a door had
  // given up, so that the service manager should start the daemon again.
  [[nodiscard]] bool run();

 private:
  void make_doors();
  void make_live(const live_settings& s);
  void reload();
  void stop_accepting();
  void finish();
  [[nodiscard]] std::string status() const;
  [[nodiscard]] std::shared_ptr<const filter_settings> filter_settings_now() const;

  const settings settings_;
  const std::string file_;
  const std::string hostname_;
  system_clock_source clock_;
  fs::real_file_system files_;
  net::io_threads threads_;
  directory::follower follower_;
  alias_watch aliases_;
  store_client::watch watch_;
  watched_stores stores_;
  memory known_;
  sender_rate rate_;
  background domain_looks_;

  mutable std::mutex mutex_; // guards filter_settings_; held only to copy or swap
  std::shared_ptr<const filter_settings> filter_settings_;

  std::atomic<bool> door_failed_{false};
  net::task_group sessions_;
  net::task_group background_;
  std::vector<std::unique_ptr<door>> doors_; // last: they refer to all of the above
};

} // namespace homeward::milter
