#pragma once
// The doors where an MTA asks and is answered from memory: the policy server and the look-up
// server. Listeners, one coroutine for each connection, and a limit on their number.

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/net/listener.hpp"

#include "milter/answering/conversation.hpp"
#include "milter/answering/settings.hpp"
#include "milter/service/door.hpp"

namespace homeward::milter::answering {

// Functions are called as service/door.hpp says. Sessions go to the daemon's task group: at a stop
// each answers what has arrived, then closes.
class answering_door final : public door {
 public:
  // `name` is for the log: "policy". `converse` makes a conversation for each new connection, on
  // any thread.
  answering_door(door_parts parts, std::string name, settings s,
                 std::function<std::unique_ptr<conversation>()> converse);

  [[nodiscard]] result<void> open() override;
  void start() override;
  void stop_accepting() override;
  [[nodiscard]] std::string description() const override;

 private:
  void let_in(net::accepted newcomer);
  // Null when there are as many connections as the settings allow; given back when let go.
  [[nodiscard]] std::shared_ptr<void> take_place();

  door_parts parts_;
  std::string name_;
  settings settings_;
  std::function<std::unique_ptr<conversation>()> converse_;
  std::vector<net::listener> listeners_;
  std::atomic<std::size_t> connections_{0};
  std::atomic<bool> full_noted_{false}; // one line in the log until there is room again
};

// The two doors: the sessions of delegation/ and lookup/ behind an answering_door. For settings
// that name at least one address; with none there is no such door. `parts` is copied, what it
// refers to must outlive the door.
[[nodiscard]] std::unique_ptr<door> make_policy_door(const door_parts& parts,
                                                     const policy_settings& s);
[[nodiscard]] std::unique_ptr<door> make_lookup_door(const door_parts& parts,
                                                     const lookup_settings& s);

} // namespace homeward::milter::answering
