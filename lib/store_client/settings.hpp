#pragma once
// What an operator may choose about connections to stores.

#include <chrono>
#include <cstddef>

#include "lib/store_client/breaker.hpp"
#include "lib/store_protocol/limits.hpp"

namespace homeward::store_client {

struct settings {
  std::size_t connections = 20; // to one store, at most
  std::size_t connections_per_partition =
      16;                           // of those, for one partition: a stuck one starves no other
  std::chrono::seconds oldest{300}; // a pooled connection is not reused beyond this age
  // One attempt's wait for the results; must be longer than the store's own commit limit.
  std::chrono::seconds results{62};
  breaker_limits breaker;
  store_protocol::times times;
  store_protocol::limits protocol;
};

} // namespace homeward::store_client
