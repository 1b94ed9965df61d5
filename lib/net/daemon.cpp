#include "lib/net/daemon.hpp"

#include <atomic>
#include <csignal>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "lib/base/log.hpp"
#include "lib/net/service_manager.hpp"

namespace homeward::net {

namespace asio = boost::asio;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds patience_after_cut{5};
constexpr std::chrono::seconds look_again{1};

namespace {

asio::awaitable<void> stay_alive(std::chrono::microseconds interval, asio::steady_timer& timer) {
  while (true) {
    notify_alive();
    timer.expires_after(interval);
    const auto [error] = co_await timer.async_wait(as_result);
    if (error) {
      co_return;
    }
  }
}

void log_cut(const task_group& sessions) {
  log::warning("sessions did not finish in time and are cut",
               {{"sessions", sessions.size()}, {"next", "the MTA repeats what was not answered"}});
}

void log_stop(const task_group& sessions) {
  log::notice("stopping", {{"sessions", sessions.size()}});
}

asio::awaitable<void> stop_sessions(task_group& sessions, std::chrono::seconds grace) {
  sessions.ask_all_to_finish();
  // Named, not awaited in the condition: gcc 12 makes wrong code of the latter.
  const bool idle = co_await sessions.idle_within(grace);
  if (idle) {
    co_return;
  }
  log_cut(sessions);
  sessions.cut_all();
  [[maybe_unused]] const bool ended = co_await sessions.idle_within(patience_after_cut);
}

// Asks until the daemon is ready, and asks the service manager for patience meanwhile.
asio::awaitable<void> tell_when_ready(const daemon_hooks& hooks, std::atomic<bool>& is_told,
                                      asio::steady_timer& timer) {
  const auto give_up = std::chrono::steady_clock::now() + longest_until_ready;
  while (hooks.is_ready && !hooks.is_ready() && std::chrono::steady_clock::now() < give_up) {
    notify_not_yet(hooks.status, look_again * 30);
    timer.expires_after(look_again);
    const auto [error] = co_await timer.async_wait(as_result);
    if (error) {
      co_return;
    }
  }
  is_told = true;
  notify_ready(hooks.status);
}

asio::awaitable<void> live(io_threads& threads, task_group& sessions, daemon_hooks& hooks,
                           std::chrono::seconds grace, asio::signal_set& signals,
                           const std::atomic<bool>& is_ready) {
  while (true) {
    const auto [error, signal] = co_await signals.async_wait(as_result);
    if (error || signal != SIGHUP) {
      break;
    }
    if (is_ready) {
      notify_reloading();
    }
    hooks.reload();
    if (is_ready) {
      notify_ready(hooks.status);
    }
  }
  log_stop(sessions);
  notify_stopping();
  hooks.stop_accepting();
  co_await stop_sessions(sessions, grace);
  hooks.finish();
  log::notice("stopped");
  threads.stop();
}

} // namespace

void run_daemon(io_threads& threads, task_group& sessions, daemon_hooks hooks,
                std::chrono::seconds grace) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN); // a file size limit refuses a message, it does not end the daemon
  asio::signal_set signals(threads.context(), SIGTERM, SIGINT, SIGHUP);
  asio::steady_timer watchdog(threads.context());
  asio::steady_timer until_ready(threads.context());
  task_group own;
  if (const auto interval = watchdog_interval()) {
    own.spawn(threads.make_strand(), "watchdog", stay_alive(*interval, watchdog));
  }
  std::atomic<bool> is_ready = false;
  own.spawn(threads.make_strand(), "readiness", tell_when_ready(hooks, is_ready, until_ready));
  own.spawn(threads.make_strand(), "daemon",
            live(threads, sessions, hooks, grace, signals, is_ready));
  threads.run();
}

} // namespace homeward::net
