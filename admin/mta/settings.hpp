#pragma once
// What /etc/homeward/mta.yaml says: which mail a running MTA shall hand to Homeward, and how.
// `homewardctl mta` compares it with the configuration that runs. Manual page:
// homeward-mta.yaml(5).

#include <cstdint>
#include <string>
#include <vector>

#include "lib/config/table.hpp"

namespace homeward::admin::mta {

inline constexpr const char* default_mta_settings_file = "/etc/homeward/mta.yaml";

enum class mta_kind : unsigned char { automatic, postfix, sendmail };

// How mail gets from the MTA's routing to the bridge (docs/operations/applying.md).
enum class layout_kind : unsigned char {
  automatic,
  transport,       // Postfix: a table of ours in transport_maps
  virtual_domains, // Postfix: the same, and the domains in virtual_mailbox_domains
  mailertable,     // sendmail: domains that are not local to it
  local_domain,    // sendmail: a local domain, aliases first
  replace_local,   // sendmail: the bridge in the place of the local mailer
  rule0,           // sendmail: the look-up server decides
};

enum class handoff_kind : unsigned char { queue, interactive };

enum class reload_kind : unsigned char { automatic, command, none };

// Programs by name (searched in PATH) or by path.
struct program_paths {
  std::string postconf = "postconf";
  std::string postfix = "postfix";
  std::string postmap = "postmap";
  std::string postqueue = "postqueue";
  std::string sendmail = "/usr/sbin/sendmail";
  std::string makemap = "makemap";
  std::string m4 = "m4";
  std::string bridge = "homeward-bridge"; // asked for its effective settings by `check`
};

struct socket_places {
  std::string lmtp; // "unix:/path" or "inet:127.0.0.1:2424"; empty: the MTA's usual place
  std::string milter;
  std::string policy;
  std::string lookup;
};

struct door_choice {
  bool milter = false;
  bool policy = false;
  bool lookup = false;
};

struct queue_choice {
  std::uint32_t directories = 0; // sendmail: 0 leaves the queue as it is
  std::string base = "/var/spool/mqueue";
};

struct reload_choice {
  reload_kind how = reload_kind::automatic;
  std::vector<std::string> command;
};

struct settings {
  mta_kind mta = mta_kind::automatic;
  std::string configuration; // empty: /etc/postfix or /etc/mail
  std::vector<std::string> domains;
  std::vector<std::string> users;
  layout_kind layout = layout_kind::automatic;
  bool keep_old_routes = true;
  std::string accounts;             // a file like /etc/passwd; empty: the host's accounts
  std::vector<std::string> aliases; // files of aliases; empty: what the MTA's configuration names
  std::vector<std::string> sieve = {"/var/vmail/{domain}/{user}",
                                    "/var/mail/vhosts/{domain}/{user}",
                                    "/srv/vmail/{domain}/{user}"};
  socket_places sockets;
  door_choice doors;
  handoff_kind handoff = handoff_kind::queue;
  bool tuning = false;
  queue_choice queues;
  std::string fragments = "/usr/share/homeward"; // holds sendmail-cf/ and postfix-conf/
  std::string backups = "/var/lib/homeward/mta-backups";
  reload_choice reload;
  program_paths programs;
  std::string bridge_settings = "/etc/homeward/bridge.yaml";
};

[[nodiscard]] const config::table<settings>& settings_table();

// The manual page homeward-mta.yaml(5), and the commented example file.
[[nodiscard]] std::string settings_manual_page();
[[nodiscard]] std::string settings_example();

} // namespace homeward::admin::mta
