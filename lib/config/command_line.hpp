#pragma once
// The options that every daemon understands, in front of its settings table:
//
//   --config FILE      the settings file (default: program::default_file)
//   --check-config     reads it, prints what is wrong, exits 0 or 78
//   --print-config     prints the effective settings as YAML
//   --example-config   prints a commented settings file to start from
//   --manual           prints the manual page, section 8; `--manual settings` the page of the file,
//   section 5
//   --version, --help

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "lib/config/table.hpp"

namespace CLI {
class App;
}

namespace homeward::config {

// Exit codes, as sysexits.h and systemd name them.
inline constexpr int exit_usage = 64;  // wrong options
inline constexpr int exit_config = 78; // the settings file is wrong; systemd prints CONFIG

// A part of the manual page of a program.
struct manual_part {
  std::string title; // "SIGNALS"
  std::string
      text; // plain text; empty lines separate paragraphs, indented lines are kept as they are
};

// What a program says about itself.
struct program {
  std::string name;         // "homeward-bridge"
  std::string summary;      // half a sentence for NAME: "takes mail from an MTA by LMTP and ..."
  std::string description;  // paragraphs for DESCRIPTION and --help
  std::string default_file; // "/etc/homeward/bridge.yaml"
  std::vector<manual_part> manual = {}; // further sections of the manual page
  // Adds options of the program's own; CLI::App is declared in <CLI/CLI.hpp>.
  std::function<void(CLI::App&)> more_options = {};
  // The same options for the manual page: text for each, such as {"--init-partition NAME", "Makes
  // ..."}.
  std::vector<std::pair<std::string, std::string>> more_option_texts = {};
};

// The settings, and the file they came from (to read it again on SIGHUP).
template <class Settings>
struct started {
  Settings settings;
  std::string file;
};

namespace detail {
// Does everything except what needs the type. Returns the exit code when the program is to end,
// else fills `settings` and `file`.
std::variant<std::monostate, int> start(int argc, const char* const* argv, const program& p,
                                        const schema& s, void* settings, std::string& file);
} // namespace detail

// Reads the command line and the settings file. Yields the settings, or the exit code with which
// main ends; everything there is to say has been printed then. Call it first in main, before any
// thread.
template <class Settings>
[[nodiscard]] std::variant<started<Settings>, int>
start(int argc, const char* const* argv, const program& p, const table<Settings>& t) {
  started<Settings> s{};
  const auto ended = detail::start(argc, argv, p, *t.shared_schema(), &s.settings, s.file);
  if (const int* code = std::get_if<int>(&ended)) {
    return *code;
  }
  return s;
}

// The manual pages as man(7) source: of the program (section 8) and of its settings file (section
// 5), which is named after the program, "homeward-bridge.yaml".
[[nodiscard]] std::string program_manual(const program& p);
[[nodiscard]] std::string settings_manual(const program& p, const schema& s, const void* defaults);
[[nodiscard]] std::string settings_page(const program& p);

} // namespace homeward::config
