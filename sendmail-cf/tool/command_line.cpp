#include "sendmail-cf/tool/command_line.hpp"

#include <iostream>

#include <CLI/CLI.hpp>

#include "lib/base/escape.hpp"
#include "lib/config/roff.hpp"

namespace homeward::sendmail_cf {

namespace {

namespace roff = config::roff;

// "--older DURATION", or "--dry-run" for a flag.
std::string words_of(const CLI::Option& option) {
  const std::string name = "--" + option.get_lnames().front();
  return option.get_items_expected_max() == 0 ? name : name + ' ' + option.get_type_name();
}

std::string synopsis(const CLI::App& app) {
  std::string out;
  for (const auto* option : app.get_options()) {
    if (option->get_required()) {
      out += ' ' + words_of(*option);
    }
  }
  return out;
}

std::string options_text(const CLI::App& app) {
  std::string out;
  for (const auto* option : app.get_options()) {
    const std::string standard =
        option->get_default_str().empty() ? "" : " Default: `" + option->get_default_str() + "`.";
    out += ".TP\n" + roff::literal(words_of(*option)) + '\n' +
           roff::text(option->get_description() + '.' + standard) + '\n';
  }
  return out;
}

} // namespace

std::string manual_page(const CLI::App& app, const tool& about) {
  std::string out = roff::title(about.name, 8);
  out += ".SH NAME\n" + roff::text(about.name) + " \\- " + roff::text(about.summary) + '\n';
  out += ".SH SYNOPSIS\n" + roff::literal(about.name) + '\n' + roff::text(synopsis(app)) +
         "\n.RI [ options ]\n";
  out += ".SH DESCRIPTION\n" + roff::paragraphs(about.description, ".PP");
  out += ".SH OPTIONS\n" + options_text(app);
  for (const manual_part& part : about.manual) {
    out += ".SH " + roff::argument(part.title) + '\n' + roff::paragraphs(part.text, ".PP");
  }
  const std::string other = about.name == "homeward-drain" ? "homeward-requeue" : "homeward-drain";
  return out + ".SH SEE ALSO\n.BR homewardctl (8),\n.BR " + roff::text(other) + " (8)\n";
}

std::optional<int> parse(CLI::App& app, const tool& about, int argc, const char* const* argv) {
  bool manual = false;
  app.get_formatter()->column_width(34);
  app.set_version_flag("--version", about.name + ' ' + HOMEWARD_VERSION, "Print the version");
  app.add_flag_callback(
      "--manual",
      [&manual] {
        manual = true;
        throw CLI::Success();
      },
      "Print the manual page as man(7) source");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (manual) {
      std::cout << manual_page(app, about);
      return 0;
    }
    return app.exit(e) == 0 ? 0 : static_cast<int>(exit_code::usage);
  }
  return std::nullopt;
}

exit_code report(std::ostream& err, const tool& about, const failure& f) {
  err << about.name << ": " << escape(f.what, 1000) << '\n';
  if (!f.cause.empty()) {
    err << "  " << escape(f.cause, 2000) << '\n';
  }
  if (!f.advice.empty()) {
    err << "  " << f.advice << '\n';
  }
  return f.kind == failure_kind::permanent ? exit_code::settings : exit_code::unavailable;
}

} // namespace homeward::sendmail_cf
