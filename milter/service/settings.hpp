#pragma once
// The settings of homeward-milter: one file, two structs. What is in `fixed_settings` holds for the
// life of the process; `live_settings` change on SIGHUP without touching a session.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/log.hpp"
#include "lib/config/table.hpp"
#include "lib/directory/settings.hpp"
#include "lib/mail/address_rules.hpp"
#include "lib/net/address_list.hpp"
#include "lib/net/listener_settings.hpp"
#include "lib/store_client/watch.hpp"

#include "milter/answering/settings.hpp"
#include "milter/knowledge/alias_settings.hpp"
#include "milter/policy/policy.hpp"
#include "milter/policy/sender_rate.hpp"

namespace homeward::milter {

struct fixed_settings {
  std::string user;     // become this user; empty: stay who we are, which must not be root
  std::string hostname; // empty: the machine's name
  // Empty address: no milter door. libmilter can listen on one address only.
  net::listener_settings milter{.address = "unix:/run/homeward/milter.sock", .mode = "0660"};
  answering::policy_settings policy;
  answering::lookup_settings lookup;
  directory::settings directory;
  std::uint32_t network_threads = 2; // for everything but the milter door, whose threads are
                                     // libmilter's
  store_client::watch_settings stores;
};

struct rate_settings {
  rate_limit limit;
  std::vector<std::string> exempt_clients; // networks, net::address_list
};

struct live_settings {
  log::level log_level = log::level::info;
  std::vector<std::string> domains; // judged beside those of the directory
  mail::address_rules addresses;
  alias_settings aliases;
  rules judged_by;
  rate_settings rate;
  bool add_route = true;
  std::vector<std::string> remote_mailers{"smtp", "esmtp", "smtp8", "dsmtp", "relay"};
};

struct settings {
  fixed_settings fixed;
  live_settings live;
};

[[nodiscard]] const config::table<settings>& settings_table();

} // namespace homeward::milter
