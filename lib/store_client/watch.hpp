#pragma once
// Follows the stores of the directory from a distance, so that a verdict about a recipient needs no
// look at the network: is its store up, how loaded is it, and is the mailbox over its limit?
//
// One connection per store is kept open. Every interval, jittered, it asks NOOP (which also tells
// the load) and, where the store's CAPA lists it, FULL (the mailboxes that are at least nine tenths
// full). What came back is kept in memory and answered from there. All of it is a hint with an age:
// the store itself decides when the message comes.

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "lib/base/byte_count.hpp"
#include "lib/store_client/settings.hpp"
#include "lib/store_client/store_client.hpp"
#include "lib/store_protocol/transaction.hpp"

namespace homeward::store_client {

enum class store_state : unsigned char {
  unknown = 0, // not followed, or not yet asked
  up = 1,      // its last answer came in time
  down = 2,    // refused, lost, silent or talking nonsense when last asked
};
[[nodiscard]] std::string_view to_string(store_state s);

// What a mailbox held when its store last told.
struct known_usage {
  byte_count used{};
  byte_count limit{};          // the QUOTA that the store saw last; never 0. The directory may say
                               // another by now: a verdict compares `used` with that one
  std::chrono::seconds age{0}; // since the store counted, not since it told us

  friend bool operator==(const known_usage&, const known_usage&) = default;
};

struct watch_settings {
  std::chrono::milliseconds interval{10'000}; // between two questions, +- a tenth
  std::chrono::milliseconds patience{5'000};  // for connecting and for all answers of one question
  // A store that is down is asked again after this, doubling with jitter up to the interval.
  std::chrono::milliseconds first_retry{1'000};
  // What a store told is forgotten when it has been down this long: it may have moved on.
  std::chrono::seconds usage_kept{300};
  settings connections; // protocol limits and times
};

// What is known of one store, for status pages.
struct watched_store {
  store_state state = store_state::unknown;
  std::string trouble; // why it is down, in words
  std::optional<store_protocol::load_figures> load;
  std::size_t full_mailboxes = 0; // told by the last FULL
};

// The questions are safe from any thread, take a short lock and never wait for the network. start()
// and stop() are for the owner.
class watch {
 public:
  // The stores there are now; called on a thread of the context, every second, and must not block.
  // One that is no longer named is forgotten, one whose endpoints changed is connected anew.
  using stores_now = std::function<std::vector<store_address>()>;

  // `context` must run until it has no more work after stop(), or be destroyed before what
  // `stores` refers to.
  watch(boost::asio::io_context& context, stores_now stores, watch_settings s);
  ~watch(); // stops
  watch(const watch&) = delete;
  watch& operator=(const watch&) = delete;

  void start();
  // Cuts the connections and ends the questions. Returns at once; `stores` is not called any more
  // once it has returned. The answers stay what they were.
  void stop();

  [[nodiscard]] store_state state_of(std::string_view server) const;
  [[nodiscard]] std::optional<store_protocol::load_figures> load_of(std::string_view server) const;
  // Empty: the store did not name it, so as far as it knows the mailbox has room.
  [[nodiscard]] std::optional<known_usage>
  usage_of(std::string_view server, std::string_view partition, std::string_view mailbox) const;

  [[nodiscard]] std::map<std::string, watched_store> stores() const;

 private:
  struct state;
  std::shared_ptr<state> state_;
};

} // namespace homeward::store_client
