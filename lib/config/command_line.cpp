#include "lib/config/command_line.hpp"

#include <iostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace homeward::config {

namespace {

struct wishes {
  std::string file;
  bool check = false;
  bool print = false;
  bool example = false;
  std::string manual;
};

void add_options(CLI::App& app, wishes& w) {
  app.add_option("--config", w.file, "The settings file")->type_name("FILE")->capture_default_str();
  app.add_flag("--check-config", w.check, "Check the settings file and end");
  app.add_flag("--print-config", w.print, "Print the effective settings and end");
  app.add_flag("--example-config", w.example, "Print a commented settings file and end");
  app.add_option("--manual", w.manual, "Print the manual page of the program, or of the settings")
      ->type_name("[program|settings]")
      ->expected(0, 1)
      ->default_str("program")
      ->check(CLI::IsMember({"program", "settings"}));
}

void print_problems(const program& p, const problems& found) {
  std::cerr << to_string(found);
  std::cerr << fmt::format("{}: {} with the settings; nothing was started\n", p.name,
                           found.size() == 1 ? "1 problem"
                                             : fmt::format("{} problems", found.size()));
}

} // namespace

namespace detail {

std::variant<std::monostate, int> start(int argc, const char* const* argv, const program& p,
                                        const schema& s, void* settings, std::string& file) {
  CLI::App app(p.description, p.name);
  wishes w{.file = p.default_file};
  add_options(app, w);
  app.set_version_flag("--version", fmt::format("{} {}", p.name, HOMEWARD_VERSION));
  if (p.more_options) {
    p.more_options(app);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : exit_usage;
  }
  if (!w.manual.empty()) {
    std::cout << (w.manual == "settings" ? settings_manual(p, s, settings) : program_manual(p));
    return 0;
  }
  if (w.example) {
    std::cout << s.example_file(settings);
    return 0;
  }
  file = w.file;
  if (const problems found = s.read_file(file, settings); !found.empty()) {
    print_problems(p, found);
    return exit_config;
  }
  if (w.print) {
    std::cout << s.print(settings);
    return 0;
  }
  if (w.check) {
    std::cout << file << ": good\n";
    return 0;
  }
  return std::monostate{};
}

} // namespace detail

} // namespace homeward::config
