#include "admin/application.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "lib/base/escape.hpp"
#include "lib/config/nearest.hpp"

#include "admin/commands.hpp"
#include "admin/manual.hpp"

namespace homeward::admin {

namespace {

constexpr const char* description =
    "Administers Homeward: the user directory (servers, partitions, users), and looks at the "
    "stores "
    "and their journals.\n"
    "Every change is one transaction; daemons notice it by themselves within seconds.";

constexpr const char* footer =
    "The directory is, in this order: --directory FILE (.yaml is a static list, anything else "
    "SQLite),\n"
    "the environment variable HOMEWARD_DIRECTORY, the `directory:` part of the settings file.\n"
    "\n"
    "A first directory:\n"
    "  homewardctl directory init\n"
    "  homewardctl server add store1 --endpoint 10.0.0.11:2400\n"
    "  homewardctl partition add store1/mail1\n"
    "  homewardctl user add ann@example.org\n"
    "  homewardctl locate ann@example.org\n"
    "\n"
    "Exit codes: 0 done; 1 the answer is no (not found, faults found); 2 refused, nothing was "
    "changed,\n"
    "or a damaged journal; 64 wrong command line; 75 the directory, a store or a journal cannot be "
    "reached,\n"
    "try again; 78 wrong settings.";

void add_global_options(CLI::App& app, session& s, bool& wants_manual) {
  app.add_option("--directory", s.options.directory, "The directory to work on")->type_name("FILE");
  app.add_option(
         "--settings", s.options.settings,
         fmt::format("Settings file with the parts `directory:` and `addresses:` (default {})",
                     default_settings_file))
      ->type_name("FILE");
  app.add_flag("--json", s.options.json, "Answer in JSON");
  app.set_version_flag("--version", "homewardctl " HOMEWARD_VERSION);
  // Ends the parsing before it asks for a command; run() then prints the page.
  app.add_flag_callback(
      "--manual",
      [&wants_manual] {
        wants_manual = true;
        throw CLI::Success();
      },
      "Print the manual page as man(7) source");
}

// The commands that were reached, from the program on.
std::vector<const CLI::App*> chosen(const CLI::App& app) {
  std::vector<const CLI::App*> path = {&app};
  while (!path.back()->get_subcommands().empty()) {
    path.push_back(path.back()->get_subcommands().front());
  }
  return path;
}

// What may follow the last of `path`.
std::vector<std::string> known_words(const std::vector<const CLI::App*>& path) {
  std::vector<std::string> known;
  for (const auto* sub : path.back()->get_subcommands([](const CLI::App*) { return true; })) {
    known.push_back(sub->get_name());
  }
  for (const CLI::App* level : {path.back(), path.front()}) {
    for (const auto* option : level->get_options()) {
      for (const auto& name : option->get_lnames()) {
        known.push_back("--" + name);
      }
    }
  }
  return known;
}

// What is wrong with the command line, what was meant, and where to read on.
void explain(const CLI::App& app, const CLI::ParseError& e, std::ostream& err) {
  const auto path = chosen(app);
  std::string command = "homewardctl";
  for (std::size_t i = 1; i < path.size(); ++i) {
    command += ' ' + path[i]->get_name();
  }
  const auto unknown = app.remaining(true);
  if (unknown.empty()) {
    err << "homewardctl: " << e.what() << '\n';
  } else {
    const std::string nearest = config::nearest_name(unknown.front(), known_words(path));
    err << fmt::format("homewardctl: \"{}\" is not known to `{}`{}\n", escape(unknown.front(), 80),
                       command, nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest));
  }
  err << fmt::format("See `{} --help`.\n", command);
}

} // namespace

int run(int argc, const char* const* argv, environment& env) {
  session s(env);
  CLI::App app(description, "homewardctl");
  app.footer(footer);
  app.require_subcommand(1);
  app.fallthrough();
  app.get_formatter()->column_width(34);
  bool wants_manual = false;
  add_global_options(app, s, wants_manual);
  add_server_command(app, s);
  add_partition_command(app, s);
  add_user_command(app, s);
  add_locate_command(app, s);
  add_deliver_test_command(app, s);
  add_status_command(app, s);
  add_directory_command(app, s);
  add_journal_command(app, s);
  add_mta_command(app, s);
  add_queue_command(app, s);
  add_completion_command(app, s);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (wants_manual) {
      env.out << manual_page(app);
      return 0;
    }
    if (e.get_exit_code() == 0) {
      return app.exit(e, env.out, env.err);
    }
    if (argc <= 1) {
      env.err << app.help();
    } else {
      explain(app, e, env.err);
    }
    return static_cast<int>(exit_code::usage);
  }
  return static_cast<int>(s.code());
}

} // namespace homeward::admin
