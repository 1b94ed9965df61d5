#pragma once
// The door of stored: listens, lets in the peers that the settings name, and counts them.

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "lib/net/address_list.hpp"
#include "lib/net/io_threads.hpp"
#include "lib/net/listener.hpp"
#include "lib/net/task_group.hpp"

#include "stored/service/connection.hpp"

namespace homeward::stored {

// Safe from any thread. Must outlive the io_threads' run.
class door {
 public:
  // `around` must outlive it.
  door(net::io_threads& threads, connection_surroundings around, const live_settings& live);

  // Opens one listener. The failure says what to do.
  [[nodiscard]] result<void> listen(const net::listener_settings& where);
  // Lets peers in from now on, on all listeners.
  void open();
  // New sessions get these settings; sessions under way keep theirs.
  void apply(const live_settings& live);
  // Lets nobody in any more. Sessions go on: see sessions().
  void close();

  [[nodiscard]] net::task_group& sessions() { return sessions_; }
  [[nodiscard]] std::size_t listeners() const { return listeners_.size(); }

 private:
  // What the settings of the moment say about letting in.
  struct rules {
    std::shared_ptr<const live_settings> live;
    std::shared_ptr<const net::address_list> peers;
  };
  void let_in(net::accepted newcomer);
  [[nodiscard]] result<std::shared_ptr<void>> admit(const peer& who, const rules& now);
  [[nodiscard]] rules current() const;

  net::io_threads& threads_;
  connection_surroundings around_;
  mutable std::mutex mutex_; // guards the rules
  rules rules_;
  std::vector<net::listener> listeners_;
  net::task_group accepting_;
  net::task_group sessions_;
};

} // namespace homeward::stored
