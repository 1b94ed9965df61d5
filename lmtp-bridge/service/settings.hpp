#pragma once
// The settings of homeward-bridge: one file, two structs. What is in `fixed_settings` holds for the
// life of the process; `live_settings` change on SIGHUP without dropping a session.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/byte_count.hpp"
#include "lib/base/log.hpp"
#include "lib/config/table.hpp"
#include "lib/directory/settings.hpp"
#include "lib/mail/address_rules.hpp"
#include "lib/mail/reply.hpp"
#include "lib/maildir/path_template.hpp"
#include "lib/net/listener_settings.hpp"
#include "lib/store_client/settings.hpp"

#include "lmtp-bridge/lmtp/limits.hpp"

namespace homeward::bridge {

struct fixed_settings {
  std::string user; // become this user; empty: stay who we are, which must not be root
  std::vector<net::listener_settings> listen{
      {.address = "unix:/run/homeward/lmtp.sock", .mode = "0666"}};
  std::string hostname; // empty: the machine's name
  directory::settings directory;
  std::uint32_t network_threads = 0; // 0: one per processor, at most 8
  std::uint32_t worker_threads = 8;
  std::string spool_directory = "/var/lib/homeward/bridge/spool";
  byte_count message_memory = 256_KiB;
  byte_count memory = 128_MiB; // of all messages in hand together
  std::string path_template = std::string(maildir::default_path_template); // of `path` homes
  store_client::settings stores;
  std::chrono::seconds whole_wait{125};
};

struct session_limits {
  std::size_t total = 512;
  std::size_t per_peer = 50; // by address; unix sockets only count in the total
};

struct live_settings {
  log::level log_level = log::level::info;
  mail::address_rules addresses;
  mail::reply_policy replies;
  lmtp::limits lmtp;
  byte_count data_rate{500}; // octets a second, on average over a message
  session_limits sessions;
};

struct settings {
  fixed_settings fixed;
  live_settings live;
};

[[nodiscard]] const config::table<settings>& settings_table();

} // namespace homeward::bridge
