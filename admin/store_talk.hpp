#pragma once
// A talk with one store, command by command, for people who want to see each step: what a person
// would do with telnet, with a time limit. Blocking; the daemons use lib/store_client instead.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.hpp"
#include "lib/base/failure.hpp"
#include "lib/directory/types.hpp"
#include "lib/store_protocol/reply.hpp"

namespace homeward::admin {

// What a store said of itself.
struct store_features {
  bool rset = false;
  bool results = false;
  bool params = false;
  bool load = false;
  std::string software = {}; // "homeward/0.1.0"; empty: not told
};

// One connection. One thread. Every call fails transiently when `give_up` has passed.
class store_talk {
 public:
  // Connects to the first of the server's addresses that answers, and reads nothing yet. `what` of
  // the failure names every address that was tried.
  [[nodiscard]] static result<store_talk> open(const directory::server& server,
                                               steady_time give_up);
  store_talk(store_talk&&) noexcept;
  store_talk& operator=(store_talk&&) noexcept;
  store_talk(const store_talk&) = delete;
  store_talk& operator=(const store_talk&) = delete;
  ~store_talk();

  // Sends `octets` as they are (a command with its CR LF, or a message) and reads one reply line.
  [[nodiscard]] result<store_protocol::reply> ask(std::string_view octets);
  // CAPA with all that is useful here. A store that does not know it has no features.
  [[nodiscard]] result<store_features> features();

  // The address that answered.
  [[nodiscard]] const std::string& endpoint() const;

 private:
  struct state;
  explicit store_talk(std::unique_ptr<state> s);
  std::unique_ptr<state> state_;
};

// "+OK [STORED name=...] text", as it came, for people.
[[nodiscard]] std::string to_text(const store_protocol::reply& r);

} // namespace homeward::admin
