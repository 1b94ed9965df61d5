#pragma once
// Users whose mail is handled by files of their own: .forward, procmail, vacation, Sieve, and names
// in the aliases files. When the bridge takes their mail these no longer run, so they are found
// before anything is changed. Reads only; other people's files are never changed.

#include <string>
#include <vector>

#include "admin/mta/plan.hpp"
#include "admin/mta/settings.hpp"

namespace homeward::admin::mta {

// An account of this host.
struct account {
  std::string name;
  std::string home;
};

// From a file like /etc/passwd, or of the host (getpwent) when the name is empty.
[[nodiscard]] std::vector<account> read_accounts(const std::string& file);

// The names that an aliases file defines, lower case. Empty when it cannot be read.
[[nodiscard]] std::vector<std::string> alias_names(const std::string& file);

// What mail is going to move, seen from the MTA of today.
struct moving {
  std::vector<std::string> local_domains;   // served by accounts, .forward and aliases
  std::vector<std::string> virtual_domains; // of the MTA's own tables
  std::vector<std::string> local_users;     // full addresses
  std::vector<std::string> virtual_users;
  std::vector<std::string> alias_files; // they apply to local domains
  bool aliases_move = false;            // whether an alias loses its meaning, too
};

// Every user among them with such a file, in the order of addresses, one entry for each file.
[[nodiscard]] std::vector<old_route> find_old_routes(const settings& s, const moving& m);

} // namespace homeward::admin::mta
