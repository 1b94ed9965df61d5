#pragma once
// What the milter knows of stores, from store_client::watch.

#include <optional>
#include <string_view>
#include <vector>

#include "lib/directory/replica.hpp"
#include "lib/store_client/watch.hpp"

#include "milter/knowledge/memory.hpp"

namespace homeward::milter {

class watched_stores final : public store_sight {
 public:
  // `watch` must outlive it.
  explicit watched_stores(const store_client::watch& watch) : watch_(watch) {}

  [[nodiscard]] store_health health(std::string_view server) const override;
  [[nodiscard]] std::optional<mailbox_usage> usage(std::string_view server,
                                                   std::string_view partition,
                                                   std::string_view mailbox) const override;

 private:
  const store_client::watch& watch_;
};

// The servers of the directory that run a store, for the watch.
[[nodiscard]] std::vector<store_client::store_address>
stores_of(const directory::replica_view& view);

} // namespace homeward::milter
