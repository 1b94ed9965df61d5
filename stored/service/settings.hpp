#pragma once
// The settings of stored: one file, two structs. What is in `fixed_settings` holds for the life of
// the process; `live_settings` change on SIGHUP without dropping a session.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/byte_count.hpp"
#include "lib/base/log.hpp"
#include "lib/config/table.hpp"
#include "lib/maildir/writer.hpp"
#include "lib/net/listener_settings.hpp"
#include "lib/store_protocol/limits.hpp"

#include "stored/delivery/delivery_service.hpp"
#include "stored/delivery/remembered_names.hpp"
#include "stored/journal/volume_journal.hpp"

namespace homeward::stored {

enum class partition_state : unsigned char {
  active = 1,   // takes mail
  draining = 2, // takes mail for those who live there; the directory places nobody new on it
  offline = 3,  // takes none: [TEMP]
};
[[nodiscard]] std::string_view to_string(partition_state state);

struct partition_settings {
  std::string name;
  std::string path;
  partition_state state = partition_state::active;
  std::vector<std::string> peers; // who may write here; empty: every peer that may connect

  friend bool operator==(const partition_settings&, const partition_settings&) = default;
};

// Until the storage protocol has TLS, a listener that other hosts can reach sends mail in clear.
enum class cleartext : unsigned char { refuse = 1, accept_the_risk = 2 };

// How a message becomes durable before +OK; docs/durability.md says what each survives.
enum class sync_mode : unsigned char {
  journal = 1, // one sync for all that wait; the Maildirs follow with the checkpoint
  late = 2,    // one sync for each message
  strict = 3,  // the file and every changed directory are synced for each message
};

struct fixed_settings {
  std::string user; // become this user; empty: stay who we are, which must not be root
  std::vector<net::listener_settings> listen{{.address = "127.0.0.1:2400"}};
  cleartext cleartext_beyond_loopback = cleartext::refuse;
  std::string spool_directory = "/var/lib/homeward-stored";
  byte_count message_memory = byte_count{256U << 10U};
  sync_mode durability = sync_mode::journal;
  std::string farm = "homeward";
  journal::segment_sizes segments;
  maildir::delivered_to delivered_to = maildir::delivered_to::single;
  std::uint32_t network_threads = 0; // 0: one for every two processors, at most 8
  worker_limits workers;
  std::uint32_t spool_threads = 4;
};

struct session_limits {
  std::size_t total = 512;
  std::size_t per_peer = 50; // by address; unix sockets only count in the total
};

struct live_settings {
  log::level log_level = log::level::info;
  std::vector<std::string> peers{"127.0.0.0/8", "::1"}; // who may connect by TCP
  std::vector<partition_settings> partitions;
  std::chrono::seconds look_at_partitions{5};
  store_protocol::limits protocol; // of it the settings give size and recipients
  store_protocol::times times;
  session_limits sessions;
  byte_count memory = byte_count{128U << 20U}; // of all messages in hand together
  byte_count data_rate{500};                   // octets per second, on average over a message
  delivery_limits deliveries;
  quota_limits quota;
  identity_limits identities;
  std::chrono::seconds checkpoint{5}; // at most between two
};

struct settings {
  fixed_settings fixed;
  live_settings live;
};

// What follows from the settings for the parts.
[[nodiscard]] maildir::filing_settings filing_of(const fixed_settings& s);
[[nodiscard]] worker_limits workers_of(const fixed_settings& s);
[[nodiscard]] journal::journal_settings journals_of(const settings& s);
[[nodiscard]] journal::identity_retention retention_of(const identity_limits& l);

// The table behind the parser, --print-config, --example-config and the manual page.
[[nodiscard]] const config::table<settings>& settings_table();

} // namespace homeward::stored
