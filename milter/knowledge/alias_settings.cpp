#include "milter/knowledge/alias_settings.hpp"

#include "lib/mail/address.hpp"

#include "milter/knowledge/forward_files.hpp"

namespace homeward::milter {

using namespace std::chrono_literals;

namespace {

std::string check_path(const std::string& path) {
  return path.starts_with('/') ? "" : "is not an absolute path; write it in full, from / on";
}

std::string check_patterns(const std::vector<std::string>& patterns) {
  for (const std::string& p : patterns) {
    if (std::string complaint = check_forward_pattern(p); !complaint.empty()) {
      return complaint;
    }
  }
  return "";
}

config::table<alias_file> alias_file_table() {
  config::table<alias_file> t{"file"};
  t.add("path", &alias_file::path,
        {.doc = "The text file, not the database that newaliases or postmap makes of it.",
         .example = "/etc/aliases",
         .required = true,
         .check = check_path});
  t.add("format", &alias_file::format,
        {.doc = "`aliases` is `name: value`, for newaliases(1) and postalias(1). `postfix` is `key "
                "value`, for postmap(1) and makemap(8): virtual alias maps, virtusertable; a key "
                "@example.org stands for everybody there.",
         .names = {{"aliases", alias_format::aliases}, {"postfix", alias_format::postfix}}});
  return t;
}

void add_sources(config::table<alias_settings>& t) {
  t.add_records("files", &alias_settings::files, alias_file_table(),
                {.doc = "The alias files of the MTA. List all that it uses: a name that only an "
                        "alias file knows, and that is not listed here, is refused.",
                 .unique = "path",
                 .reloadable = true});
  t.add("forward_files", &alias_settings::forward_files,
        {.doc = "Files that redirect a user's mail by being there, with {local} for the user. The "
                "folder in front of {local} is listed each time, so the daemon's user must be able "
                "to read it. A file that cannot be looked at counts as there.",
         .example = "[/home/{local}/.forward]",
         .reloadable = true,
         .check = check_patterns});
  t.add("accounts", &alias_settings::accounts,
        {.doc = "true: a name that the directory does not know but that has an account on this "
                "host (getent passwd) is left to the MTA, which may deliver to it.",
         .reloadable = true});
}

} // namespace

config::table<alias_settings> alias_settings_table() {
  config::table<alias_settings> t{"aliases"};
  add_sources(t);
  t.add("domains", &alias_settings::domains,
        {.doc = "The domains to which names without a domain (most of /etc/aliases, .forward, "
                "accounts) apply: sendmail's class w, Postfix's mydestination. Empty: all domains "
                "that are judged.",
         .example = "[example.org, mx1.example.org]",
         .reloadable = true,
         .check = check_domains});
  t.add("look_every", &alias_settings::look_every,
        {.doc = "How often files are looked at for changes. A changed file is read when it has "
                "stayed the same from one look to the next, so that no half-written one is taken; "
                "SIGHUP reads it at once.",
         .min = 100ms,
         .max = 1h,
         .reloadable = true});
  t.add("when_unreadable", &alias_settings::when_unreadable,
        {.doc = "What holds while a source that is named here could not be read since the start. "
                "`try_later`: a name that the directory does not know is answered 451, because it "
                "may be an alias. `ignore`: it is refused. A source that could be read once is "
                "kept as it was.",
         .names = {{"try_later", without_aliases::try_later}, {"ignore", without_aliases::ignore}},
         .reloadable = true});
  return t;
}

std::string check_domain(const std::string& domain) {
  return mail::parse_address("user@" + domain, mail::charset::utf8)
             ? ""
             : "is no domain; write it as example.org";
}

std::string check_domains(const std::vector<std::string>& domains) {
  for (const std::string& d : domains) {
    if (!check_domain(d).empty()) {
      return "names \"" + d + "\", which is no domain; write it as example.org";
    }
  }
  return "";
}

} // namespace homeward::milter
