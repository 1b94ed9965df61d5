#include "milter/service/watched_stores.hpp"

#include <utility>

namespace homeward::milter {

store_health watched_stores::health(std::string_view server) const {
  switch (watch_.state_of(server)) {
  case store_client::store_state::up: return store_health::up;
  case store_client::store_state::down: return store_health::down;
  case store_client::store_state::unknown: break;
  }
  return store_health::unknown;
}

std::optional<mailbox_usage> watched_stores::usage(std::string_view server,
                                                   std::string_view partition,
                                                   std::string_view mailbox) const {
  const auto told = watch_.usage_of(server, partition, mailbox);
  if (!told) {
    return {};
  }
  return mailbox_usage{.used = told->used, .limit = told->limit, .age = told->age};
}

std::vector<store_client::store_address> stores_of(const directory::replica_view& view) {
  std::vector<store_client::store_address> stores;
  for (directory::server& s : view.servers()) {
    store_client::store_address store{.name = std::move(s.name), .endpoints = {}};
    for (const std::string& text : s.endpoints) {
      if (const auto parsed = net::parse_endpoint(text)) {
        store.endpoints.push_back(*parsed);
      }
    }
    if (!store.endpoints.empty()) {
      stores.push_back(std::move(store));
    }
  }
  return stores;
}

} // namespace homeward::milter
