#pragma once
// The partitions that this store serves now: what the settings say about each, and its keeper.
// Changes on SIGHUP while sessions ask.

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include "lib/base/failure.hpp"
#include "lib/net/address_list.hpp"

#include "stored/delivery/partition_keeper.hpp"
#include "stored/service/settings.hpp"

namespace homeward::stored {

// Who asks: an address, or a unix socket (which may write everywhere).
struct peer {
  std::string name; // for the log
  boost::asio::ip::address address;
  bool is_unix = false;
};

// Safe from any thread; everything but the first look and stop() answers from memory.
class partition_table {
 public:
  // `files`, `clock` and `journals` (null: none) must outlive it, and the process must end without
  // destroying them when stop() says that something hangs.
  partition_table(fs::file_system& files, const clock_source& clock,
                  maildir::filing_settings filing, journal::journal_table* journals);

  // Serves exactly these from now on. New ones are opened in the background; one with another path
  // is opened anew; one that is gone refuses from now on, and what was begun there is finished.
  void apply(const std::vector<partition_settings>& wanted, std::chrono::seconds look_every);
  // Waits until every partition was looked at once, at most `limit`; how many are open then.
  [[nodiscard]] std::size_t wait_until_looked_at(std::chrono::nanoseconds limit) const;
  // Whether every partition was looked at once: what a journal held for it is in its Maildirs then.
  [[nodiscard]] bool all_looked_at() const;

  // The partition for a transaction of `who`. Failures, all for the sender to try later:
  // no_partition (not served here), denied (this peer may not), temp (offline, or why it is not
  // usable now).
  [[nodiscard]] result<std::shared_ptr<open_partition>> accept(const std::string& name,
                                                               const peer& who) const;
  // All partitions for which accept() would succeed.
  [[nodiscard]] std::vector<std::shared_ptr<open_partition>> open_for(const peer& who) const;
  // Of its volume as of the last look; zeros when it is not open or not served.
  [[nodiscard]] fs::volume_space space(const std::string& name) const;
  // The same, added up over the volumes of all open partitions.
  [[nodiscard]] fs::volume_space space_of_all() const;
  [[nodiscard]] std::size_t size() const;

  // Ends all keepers. False when one hangs.
  [[nodiscard]] bool stop(std::chrono::nanoseconds limit);

 private:
  struct served {
    partition_settings settings;
    net::address_list peers;
    std::shared_ptr<partition_keeper> keeper;
  };
  [[nodiscard]] std::shared_ptr<partition_keeper> keep(const partition_settings& p,
                                                       std::chrono::seconds look_every);

  fs::file_system* files_;
  const clock_source* clock_;
  maildir::filing_settings filing_;
  journal::journal_table* journals_;
  mutable std::mutex mutex_; // guards the two below
  std::map<std::string, served> served_;
  std::vector<std::shared_ptr<partition_keeper>> retired_;
};

} // namespace homeward::stored
