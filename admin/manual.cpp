#include "admin/manual.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "lib/config/roff.hpp"

#include "admin/session.hpp"

namespace homeward::admin {

namespace {

namespace roff = config::roff;

std::vector<const CLI::App*> commands_below(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

// What an option takes: "FILE", "active|disabled", or "" for a flag.
std::string value_of(const CLI::Option& option) {
  if (option.get_items_expected_max() == 0) {
    return {};
  }
  std::string type = option.get_type_name();
  if (const auto brace = type.find(":{"); brace != std::string::npos) {
    type = type.substr(brace + 2, type.size() - brace - 3);
    std::replace(type.begin(), type.end(), ',', '|');
    return type;
  }
  if (type.starts_with("INT") || type.starts_with("UINT") || type.starts_with("FLOAT")) {
    return "NUMBER";
  }
  return type;
}

bool is_help(const CLI::Option& option) {
  return !option.get_lnames().empty() && option.get_lnames().front() == "help";
}

// "--home SERVER/DIRECTORY", or what a positional argument is called.
std::string words_of(const CLI::Option& option) {
  const std::string value = value_of(option);
  if (option.get_lnames().empty()) {
    return value == "TEXT" || value.empty() ? option.get_name() : value;
  }
  return "--" + option.get_lnames().front() + (value.empty() ? "" : ' ' + value);
}

// " [--home SERVER/DIRECTORY] MAILBOX": options first.
std::string synopsis(const CLI::App& command) {
  std::string options;
  std::string arguments;
  for (const auto* option : command.get_options()) {
    if (is_help(*option)) {
      continue;
    }
    const std::string words =
        option->get_required() ? words_of(*option) : '[' + words_of(*option) + ']';
    (option->get_lnames().empty() ? arguments : options) += ' ' + words;
  }
  return options + arguments;
}

std::string options_of(const CLI::App& command) {
  std::string out;
  for (const auto* option : command.get_options()) {
    if (is_help(*option)) {
      continue;
    }
    const std::string standard =
        option->get_default_str().empty() ? "" : " Default: " + option->get_default_str() + '.';
    out += ".TP\n" + roff::literal(words_of(*option)) + '\n' +
           roff::text(option->get_description() + '.' + standard) + '\n';
  }
  return out;
}

// One command and, below it, its own commands.
std::string command_text(const CLI::App& command, const std::string& path, bool is_top) {
  std::string out;
  if (is_top) {
    out += ".SS " + roff::argument(path) + '\n' +
           roff::paragraphs(command.get_description() + '.', ".PP");
  } else {
    out += ".TP\n" + roff::literal(path) + roff::text(synopsis(command)) + '\n' +
           roff::text(command.get_description() + '.') + '\n';
  }
  const auto below = commands_below(command);
  if (below.empty()) {
    const std::string options = options_of(command);
    if (is_top) {
      out += ".PP\n" + roff::literal("homewardctl " + path) + roff::text(synopsis(command)) + '\n';
    }
    out += options.empty() ? "" : ".RS\n" + options + ".RE\n";
  }
  for (const auto* sub : below) {
    out += command_text(*sub, path + ' ' + sub->get_name(), false);
  }
  if (is_top || command.get_footer() != command.get_parent()->get_footer()) {
    out += (is_top ? ".PP\n" : ".IP\n") + roff::paragraphs(command.get_footer(), ".PP");
  }
  return out;
}

constexpr const char* exit_status =
    "0: done.\n\n"
    "1: the command worked and the answer is no: an address that nobody has, faults that were "
    "found, "
    "a store that does not answer, a message that was refused, lines that could not be "
    "imported, a journal with a torn end.\n\n"
    "2: refused, nothing was changed: it contradicts the directory, or was not confirmed. Of "
    "the command journal: it is damaged.\n\n"
    "64: the command line is wrong.\n\n"
    "75: the directory, a store or a journal cannot be reached now; try again.\n\n"
    "78: the settings file is wrong.";

} // namespace

std::string manual_page(const CLI::App& app) {
  std::string out = roff::title("homewardctl", 8);
  out += ".SH NAME\nhomewardctl \\- administers the users, partitions and servers of Homeward\n";
  out += ".SH SYNOPSIS\n.B homewardctl\n.RI [ options ]\n.I command\n.RI [ arguments ]\n";
  out += ".SH DESCRIPTION\n" + roff::paragraphs(app.get_description(), ".PP");
  out += ".PP\n" + roff::paragraphs(app.get_footer(), ".PP");
  out += ".SH OPTIONS\n" + options_of(app);
  out += ".SH COMMANDS\n";
  for (const auto* command : commands_below(app)) {
    out += command_text(*command, command->get_name(), true);
  }
  out += std::string(".SH EXIT STATUS\n") + roff::paragraphs(exit_status, ".PP");
  out += ".SH ENVIRONMENT\n.TP\n" + roff::literal(directory_variable) +
         "\nThe directory, unless \\fB\\-\\-directory\\fR names one.\n";
  out +=
      ".SH FILES\n.TP\n.I " + roff::text(default_settings_file) +
      "\nThe settings of the bridge; only the parts \\fBdirectory:\\fR and \\fBaddresses:\\fR are "
      "read.\n";
  out +=
      ".SH SEE ALSO\n.BR homeward\\-bridge (8),\n.BR stored (8),\n.BR homeward\\-bridge.yaml (5)\n";
  return out;
}

} // namespace homeward::admin
