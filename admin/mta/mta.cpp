// homewardctl mta: which mail a running MTA hands to Homeward: planned, applied, checked, taken
// back.

#include <memory>

#include <CLI/CLI.hpp>

#include "admin/commands.hpp"
#include "admin/mta/command.hpp"
#include "admin/mta/settings.hpp"

namespace homeward::admin {

namespace {

using mta::command_options;
using options = std::shared_ptr<command_options>;

void add_file(CLI::App& leaf, const options& o) {
  leaf.add_option("--mta-settings", o->file, "Settings file (default /etc/homeward/mta.yaml)")
      ->type_name("FILE");
}

void add_move(CLI::App& leaf, const options& o) {
  leaf.add_flag("--move-forwarded", o->move_forwarded,
                "Also move users with .forward, procmail, vacation, Sieve or an alias");
}

void add_plan(CLI::App& app, session& s, const options& o) {
  auto* leaf = app.add_subcommand(
      "plan", "Show what would change, and what was found; exit code 1 when something would");
  add_file(*leaf, o);
  add_move(*leaf, o);
  on_chosen(*leaf, s, [&s, o] { return mta::show_plan(s, *o); });
}

void add_apply(CLI::App& app, session& s, const options& o) {
  auto* leaf = app.add_subcommand(
      "apply", "Apply it: kept, checked, put in place, reloaded, tried, and undone on a failure");
  add_file(*leaf, o);
  add_move(*leaf, o);
  leaf->add_flag("--yes", o->yes, "Do not ask");
  leaf->add_flag("--no-reload", o->no_reload, "Do not tell the MTA");
  leaf->add_flag("--force", o->force, "Repair an apply that was cut short although files differ");
  on_chosen(*leaf, s, [&s, o] { return mta::apply(s, *o); });
}

void add_check(CLI::App& app, session& s, const options& o) {
  auto* leaf = app.add_subcommand(
      "check", "Look for traps in the running configuration; exit code 1 when there are");
  add_file(*leaf, o);
  on_chosen(*leaf, s, [&s, o] { return mta::check(s, *o); });
}

void add_rollback(CLI::App& app, session& s, const options& o) {
  auto* leaf = app.add_subcommand("rollback", "Put every file back as it was before an apply");
  leaf->add_option("backup", o->backup, "Which one, and all after it (default: the newest)");
  add_file(*leaf, o);
  leaf->add_flag("--yes", o->yes, "Do not ask");
  leaf->add_flag("--no-reload", o->no_reload, "Do not tell the MTA");
  leaf->add_flag("--force", o->force, "Even if somebody changed the files since, or mail waits");
  on_chosen(*leaf, s, [&s, o] { return mta::roll_back(s, *o); });
}

void add_backups(CLI::App& app, session& s, const options& o) {
  auto* leaf = app.add_subcommand("backups", "List what can be taken back");
  add_file(*leaf, o);
  on_chosen(*leaf, s, [&s, o] { return mta::list_backups(s, *o); });
}

exit_code print_settings(session& s, const command_options& o, bool example, bool page) {
  if (example || page) {
    s.out() << (page ? mta::settings_manual_page() : mta::settings_example());
    return exit_code::done;
  }
  const auto& table = mta::settings_table();
  const auto parsed = table.parse_file(o.file.empty() ? mta::default_mta_settings_file : o.file);
  if (parsed.has_error()) {
    s.err() << config::to_string(parsed.error());
    return exit_code::settings;
  }
  s.out() << table.print(*parsed);
  return exit_code::done;
}

void add_settings(CLI::App& app, session& s, const options& o) {
  auto* leaf =
      app.add_subcommand("settings", "Check the settings file and print the effective settings");
  add_file(*leaf, o);
  const auto example = std::make_shared<bool>(false);
  const auto page = std::make_shared<bool>(false);
  leaf->add_flag("--example", *example, "Print a commented settings file to start from");
  leaf->add_flag("--manual-page", *page, "Print homeward-mta.yaml(5) as man(7) source");
  on_chosen(*leaf, s, [&s, o, example, page] { return print_settings(s, *o, *example, *page); });
}

} // namespace

void add_mta_command(CLI::App& app, session& s) {
  auto* mta = app.add_subcommand(
      "mta", "Hand mail of the Postfix or sendmail of this host to Homeward, and take it back");
  mta->require_subcommand(1);
  const auto o = std::make_shared<command_options>();
  add_plan(*mta, s, o);
  add_apply(*mta, s, o);
  add_check(*mta, s, o);
  add_rollback(*mta, s, o);
  add_backups(*mta, s, o);
  add_settings(*mta, s, o);
}

} // namespace homeward::admin
