#pragma once
// The life of a daemon between start and end: ready, reload on SIGHUP, stop on SIGTERM or SIGINT.
// A stop has three steps: accept nothing new, ask the sessions to finish, cut what remains.

#include <chrono>
#include <functional>
#include <string>

#include "lib/net/io_threads.hpp"
#include "lib/net/task_group.hpp"

namespace homeward::net {

// What a daemon does at the turns of its life. Called one at a time, never while another runs.
struct daemon_hooks {
  std::string status;           // for the service manager: "2 listeners, 3 partitions"
  std::function<void()> reload; // SIGHUP; must keep what it had when the new settings are bad
  std::function<void()> stop_accepting; // first step of a stop
  std::function<void()> finish;         // after the last session has ended, before run() returns
  // While it says false the daemon serves but does not call itself ready, so that units ordered
  // after it wait; for longest_until_ready at most. Empty: ready at once. Asked on a network
  // thread, so it answers from memory.
  std::function<bool()> is_ready = {};
};
inline constexpr std::chrono::minutes longest_until_ready{5};

// Runs `threads` until a stop is complete. `grace` is what begun work gets (reliability promise
// 27).
void run_daemon(io_threads& threads, task_group& sessions, daemon_hooks hooks,
                std::chrono::seconds grace = std::chrono::seconds(30));

} // namespace homeward::net
