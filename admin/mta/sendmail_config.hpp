#pragma once
// A sendmail configuration: sendmail.cf taken apart, and the programs asked about it.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/failure.hpp"

#include "admin/mta/settings.hpp"

namespace homeward::admin::mta {

// A line such as "Mlocal, P=[IPC], F=lsDFM, A=FILE /run/x" or "Xfilter, S=unix:/x, F=T".
struct cf_definition {
  std::string name;
  std::map<std::string, std::string> fields;
  [[nodiscard]] std::string field(const std::string& key) const {
    const auto at = fields.find(key);
    return at == fields.end() ? "" : at->second;
  }
};

// "Kaccess hash -T<TMPF> /etc/mail/access".
struct cf_map {
  std::string name;
  std::string type;
  std::string rest;
  [[nodiscard]] std::string file() const; // its path without .db; empty when it has none
};

struct sendmail_cf {
  std::vector<std::pair<std::string, std::string>> options; // in order; some stand several times
  std::vector<cf_definition> mailers;
  std::vector<cf_definition> filters;
  std::vector<cf_definition> groups;
  std::vector<cf_map> maps;

  [[nodiscard]] std::string option(std::string_view name) const; // the last one; empty when unset
  [[nodiscard]] const cf_definition* mailer(std::string_view name) const;
  [[nodiscard]] const cf_map* map(std::string_view name) const;
};
// Pure; what it does not know it leaves out.
[[nodiscard]] sendmail_cf parse_cf(std::string_view text);

// sendmail.cf without the lines that tell when and where m4 ran: two builds of the same sendmail.mc
// are equal without them.
[[nodiscard]] std::string without_build_marks(std::string_view cf);

// The path of a table, written as STAGED in the lines that open it.
[[nodiscard]] std::string with_path_moved(std::string_view cf, const std::string& path,
                                          const std::string& staged);

// Whether the daemon that wrote this pid file can start itself anew at SIGHUP: sendmail has to have
// been started by its full path, or SIGHUP ends it.
struct pid_file {
  int pid = 0; // 0: there is none, or it is stale
  std::string command;
};
[[nodiscard]] pid_file read_pid_file(const std::string& path);

// Runs m4 in `directory`; the text, and what it complained about.
struct built_cf {
  std::string text;
  std::vector<std::string> complaints;
};
[[nodiscard]] result<built_cf> build_cf(const settings& s, const std::string& mc,
                                        const std::string& directory);

// The members of a class ("w", "R") of a configuration.
[[nodiscard]] result<std::vector<std::string>>
class_members(const settings& s, const std::string& cf, const std::string& name);

// The mailer by which each address would be delivered (`sendmail -bv`); "" for those that would
// not.
[[nodiscard]] result<std::map<std::string, std::string>>
mailers_of(const settings& s, const std::string& cf, const std::vector<std::string>& addresses);

// Whether somebody greets on a port of DaemonPortOptions ("Port=smtp, Addr=127.0.0.1").
[[nodiscard]] bool greets(const std::string& daemon_port_options);

} // namespace homeward::admin::mta
