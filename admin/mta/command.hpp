#pragma once
// The steps behind `homewardctl mta`: what the subcommands do, after the command line was read.

#include <string>

#include "admin/exit_code.hpp"
#include "admin/session.hpp"

namespace homeward::admin::mta {

struct command_options {
  std::string file;            // of settings
  bool move_forwarded = false; // as old_routes.keep: false
  bool yes = false;            // no question
  bool force = false;
  bool no_reload = false;
  std::string backup; // for rollback; empty: the newest that is applied
};

[[nodiscard]] exit_code show_plan(session& s, const command_options& o);
[[nodiscard]] exit_code apply(session& s, const command_options& o);
[[nodiscard]] exit_code check(session& s, const command_options& o);
[[nodiscard]] exit_code roll_back(session& s, const command_options& o);
[[nodiscard]] exit_code list_backups(session& s, const command_options& o);

} // namespace homeward::admin::mta
