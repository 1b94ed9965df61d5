// The manual pages as man(7) source.

#include <fmt/format.h>

#include "lib/config/command_line.hpp"
#include "lib/config/roff.hpp"
#include "lib/config/schema.hpp"
#include "lib/config/tree.hpp"

namespace homeward::config {

namespace {

std::string entry_text(const entry& e, const void* defaults) {
  std::string out = roff::item(e.key, "(" + facts_of(e, defaults) + ")");
  out += roff::paragraphs(e.doc, ".IP");
  if (!e.example.empty()) {
    out += ".IP\nExample: " + roff::literal(e.key.substr(e.key.rfind('.') + 1) + ": " + e.example) +
           '\n';
  }
  out +=
      e.reloadable ? ".IP\nA change takes effect on SIGHUP.\n" : ".IP\nA change needs a restart.\n";
  return out;
}

std::string records_text(const entry& e) {
  const auto defaults = e.records->make();
  std::string out = roff::item(e.key, "(" + e.kind + (e.required ? "; must be given)" : ")"));
  out += roff::paragraphs(e.doc, ".IP");
  out +=
      e.reloadable ? ".IP\nA change takes effect on SIGHUP.\n" : ".IP\nA change needs a restart.\n";
  out += ".RS\n";
  for (const auto& field : e.records->fields->entries()) {
    out += roff::item(field.key, "(" + facts_of(field, defaults.get()) + ")");
    out += roff::paragraphs(field.doc, ".IP");
  }
  return out + ".RE\n";
}

std::string options_text(const program& p) {
  std::string out = ".SH OPTIONS\n";
  const auto option = [&](std::string_view name, std::string_view text) {
    out += ".TP\n.B " + roff::text(name) + '\n' + roff::paragraphs(text, ".IP");
  };
  for (const auto& [name, text] : p.more_option_texts) {
    option(name, text);
  }
  option("--config FILE", "The settings file; " + p.default_file + " if not given.");
  option("--check-config", "Reads the settings file, prints every fault with its line, and ends: "
                           "exit code 0 when it is good, 78 when it is not.");
  option("--print-config", "Prints the effective settings as YAML and ends.");
  option("--example-config", "Prints a commented settings file to start from and ends.");
  option("--manual [program|settings]",
         "Prints this page, or the page of the settings file, as man(7) source and ends: pipe it "
         "into `man -l -`.");
  option("--version", "Prints the version and ends.");
  option("--help", "Prints a summary of the options and ends.");
  return out;
}

} // namespace

std::string schema::manual_section(const void* defaults) const {
  std::string out;
  std::string heading = "\n";
  for (const auto& e : entries_) {
    const std::string top = e.key.substr(0, std::min(e.key.find('.'), e.key.size()));
    const section* s = find_section(top);
    const std::string title = s != nullptr ? s->title : top;
    if (title != heading && (s != nullptr || top != e.key)) {
      out += ".SS " + roff::argument(title) + '\n';
      out += s != nullptr ? roff::paragraphs(s->text, ".PP") : std::string{};
      heading = title;
    }
    out += e.records ? records_text(e) : entry_text(e, defaults);
  }
  return out;
}

std::string program_manual(const program& p) {
  std::string out = roff::title(p.name, 8);
  out += ".SH NAME\n" + roff::text(p.name) + " \\- " + roff::text(p.summary) + '\n';
  out += ".SH SYNOPSIS\n.B " + roff::text(p.name) + "\n.RI [ options ]\n";
  out += ".SH DESCRIPTION\n" + roff::paragraphs(p.description, ".PP");
  out += options_text(p);
  for (const auto& part : p.manual) {
    out += ".SH " + roff::argument(part.title) + '\n' + roff::paragraphs(part.text, ".PP");
  }
  out += ".SH FILES\n.TP\n.I " + roff::text(p.default_file) + "\nThe settings.\n";
  out += ".SH SEE ALSO\n.BR " + roff::text(settings_page(p)) + " (5)\n";
  return out;
}

std::string settings_page(const program& p) {
  return p.name + ".yaml";
}

std::string settings_manual(const program& p, const schema& s, const void* defaults) {
  std::string out = roff::title(settings_page(p), 5);
  out +=
      ".SH NAME\n" + roff::text(settings_page(p)) + " \\- settings of " + roff::text(p.name) + '\n';
  out += ".SH DESCRIPTION\n" +
         roff::paragraphs("The settings of " + p.name + " are a YAML file, " + p.default_file +
                              " if no other is named. A dot in the names below is a level of the "
                              "file: `lmtp.listen` is the key `listen`, indented below `lmtp:`. "
                              "Sizes are written as 512 B, 17 KiB, 64 MiB or 2 GiB; durations as "
                              "500ms, 30s, 5m, 2h or 1d.\n\n"
                              "Unknown keys, keys given twice, wrong values and contradictions are "
                              "errors: the program names the file, the line and what was meant, "
                              "all of them at once, and does not start. At a reload it goes on "
                              "with the settings it has.",
                          ".PP");
  out += ".SH SETTINGS\n" + s.manual_section(defaults);
  out += ".SH SEE ALSO\n.BR " + roff::text(p.name) + " (8)\n";
  return out;
}

} // namespace homeward::config
