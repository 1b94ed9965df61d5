#pragma once
// The settings of the policy server and the look-up server: `policy:` and `lookup:` in milter.yaml.
// All of them hold for the life of the process; what the answers depend on (rules, address rules)
// is elsewhere and can be reloaded.

#include <chrono>
#include <cstddef>
#include <vector>

#include "lib/config/table.hpp"
#include "lib/net/listener_settings.hpp"

#include "milter/lookup/maps.hpp"

namespace homeward::milter::answering {

// What both have.
struct settings {
  std::vector<net::listener_settings> listen; // empty: this door stays shut
  std::size_t connections = 5000;
  std::chrono::seconds idle{600};
};

struct policy_settings {
  settings door{.listen = {{.address = "unix:/run/homeward/policy.sock", .mode = "0666"}}};
};

struct lookup_settings {
  settings door{.listen = {{.address = "unix:/run/homeward/lookup.sock", .mode = "0666"}}};
  lookup::transports transport;
};

// Include them as "policy" and "lookup".
[[nodiscard]] config::table<policy_settings> policy_table();
[[nodiscard]] config::table<lookup_settings> lookup_table();

} // namespace homeward::milter::answering
