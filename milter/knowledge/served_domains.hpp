#pragma once
// The domains in which the directory has users. Kept beside the replica, because the replica finds
// mailboxes only.

#include <memory>
#include <mutex>
#include <string_view>

#include "lib/directory/replica.hpp"

#include "milter/knowledge/elsewhere.hpp"

namespace homeward::milter {

class served_domains {
 public:
  // Goes through all users if the directory has changed since the last time: about a tenth of a
  // second for a million of them. One thread at a time, in the background.
  void refresh(const directory::replica_view& view);

  // Any thread; a short lock. In lower case; "" for mailboxes without a domain.
  [[nodiscard]] bool contains(std::string_view domain) const;
  // The directory was read at least once.
  [[nodiscard]] bool complete() const;

 private:
  [[nodiscard]] std::shared_ptr<const name_set> now() const;

  directory::position at_;   // of the thread that refreshes
  mutable std::mutex mutex_; // guards what follows
  std::shared_ptr<const name_set> domains_;
};

} // namespace homeward::milter
