#pragma once
// One way in: the milter (milter/filter), the policy server (milter/delegation), the look-up server
// (milter/lookup). The daemon (milter_daemon.hpp) opens all that the settings ask for and takes
// them through its life.

#include <functional>
#include <memory>
#include <string>

#include "lib/base/failure.hpp"
#include "lib/directory/replica.hpp"
#include "lib/mail/address_rules.hpp"
#include "lib/net/io_threads.hpp"
#include "lib/net/task_group.hpp"

#include "milter/knowledge/knowledge.hpp"
#include "milter/policy/policy.hpp"
#include "milter/policy/sender_rate.hpp"

namespace homeward::milter {

// What every door may use; outlives it. The functions give what holds now, are safe from any
// thread, and never wait: what changes on reload is asked for again at each message or question.
struct door_parts {
  net::io_threads& threads;
  net::task_group& sessions;   // for sessions: asked to finish at a stop, cut after 30 s
  net::task_group& background; // for listeners and timers: must end soon after stop_accepting()
  const knowledge& known;
  sender_rate& rate;
  std::function<rules()> rules_now;
  std::function<std::shared_ptr<const mail::address_rules>()> address_rules_now;
  std::function<directory::replica_view()> directory_now;
};

// All functions are called on one thread at a time, in this order: open, start, any number of
// others, stop_accepting, finish.
class door {
 public:
  door() = default;
  door(const door&) = delete;
  door& operator=(const door&) = delete;
  virtual ~door() = default;

  // Binds its sockets. The failure ends the start and says what to do.
  [[nodiscard]] virtual result<void> open() = 0;
  // Serves from now on; returns at once. The threads may not run yet.
  virtual void start() = 0;
  // A stop begins: nothing new is taken, and the place is free for the next process.
  virtual void stop_accepting() = 0;
  // All sessions of the task group have ended; after this nothing of the door runs any more.
  virtual void finish() {}
  // "milter on unix:/run/homeward/milter.sock", for the status line and the log.
  [[nodiscard]] virtual std::string description() const = 0;
};

} // namespace homeward::milter
