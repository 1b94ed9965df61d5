#include "lib/directory/settings.hpp"

#include "lib/directory/sqlite_engine.hpp"
#include "lib/directory/yaml_engine.hpp"
#include "lib/mail/address.hpp"

namespace homeward::directory {

using namespace std::chrono_literals;

config::table<settings> settings_table() {
  const auto absolute = [](const std::string& path) {
    return path.starts_with('/') ? "" : "is not an absolute path; write it in full, from / on";
  };
  config::table<settings> t{"directory"};
  t.add("engine", &settings::engine,
        {.doc = "What holds users, partitions and servers. `sqlite` is a file that `homewardctl` "
                "makes and changes. `yaml` is a static list for trials, written with an editor.",
         .names = {{"sqlite", engine_kind::sqlite}, {"yaml", engine_kind::yaml}}});
  t.add("file", &settings::file,
        {.doc =
             "The file of the engine. For sqlite, the program's user must be able to write it and "
             "its folder, because readers keep their place in side files there.",
         .check = absolute});
  t.add("replica_file", &settings::replica_file,
        {.doc =
             "Where the program keeps the last good state of the directory, so that it can start "
             "and work while the directory is away. Empty: it does not, and answers \"try later\" "
             "after a start until the directory is there.",
         .example = "/var/lib/homeward/bridge-replica",
         .check = [absolute](const std::string& path) {
           return path.empty() ? "" : absolute(path);
         }});
  t.add("refresh", &settings::refresh,
        {.doc = "How often the directory is asked for changes. A new user gets mail at the latest "
                "after this time.",
         .min = 100ms,
         .max = 1h});
  t.add("busy_timeout", &settings::busy,
        {.doc =
             "How long to wait for another program's lock on the sqlite file before that attempt "
             "counts as failed.",
         .min = 100ms,
         .max = 1min});
  t.validate([](const settings& s, const config::report& r) {
    if (!s.replica_file.empty() && s.replica_file == s.file) {
      r.add("replica_file", "is the directory itself", "name another file");
    }
  });
  return t;
}

namespace {

std::string check_domain(const std::string& domain) {
  return mail::parse_address("user@" + domain, mail::charset::utf8)
             ? ""
             : "is no domain; write it as example.org";
}

std::string check_domain_or_none(const std::string& domain) {
  return domain.empty() ? "" : check_domain(domain);
}

std::string check_delimiter(const std::string& characters) {
  return characters.find_first_of("@ \t\"<>") == std::string::npos
             ? ""
             : "cannot separate a detail; write + or - or both";
}

std::string check_mailbox(const std::string& mailbox) {
  return mail::parse_address(mailbox, mail::charset::utf8)
             ? ""
             : "is no mailbox; write it as info@example.org";
}

config::table<mail::catch_all_mailbox> catch_all_table() {
  using mail::catch_all_mailbox;
  config::table<catch_all_mailbox> t{"catch_all"};
  t.add("domain", &catch_all_mailbox::domain,
        {.doc = "The domain. Domains below it are not meant.",
         .example = "example.org",
         .required = true,
         .check = check_domain});
  t.add("mailbox", &catch_all_mailbox::mailbox,
        {.doc = "The mailbox, in this or another domain. It must be in the directory: otherwise "
                "unknown names stay unknown.",
         .example = "info@example.org",
         .required = true,
         .check = check_mailbox});
  return t;
}

} // namespace

config::table<mail::address_rules> address_rules_table() {
  using mail::address_rules;
  config::table<address_rules> t{"addresses"};
  t.section("", "From an address to a mailbox",
            "Keep them equal in all settings files of a front end: whoever decides about a "
            "recipient and whoever stores its mail must mean the same mailbox.");
  t.add("default_domain", &address_rules::default_domain,
        {.doc = "The domain of a recipient without one, as sendmail's local mailer sends them. "
                "Empty: such a recipient is looked up as it is.",
         .example = "example.org",
         .reloadable = true,
         .check = check_domain_or_none});
  t.add("recipient_delimiter", &address_rules::recipient_delimiter,
        {.doc = "What separates a user from a detail: with \"+\", ann+lists@example.org is ann's, "
                "unless somebody is called ann+lists. Several characters: any of them. Empty: no "
                "details.",
         .reloadable = true,
         .check = check_delimiter});
  t.add(
      "fold_case", &address_rules::fold_case,
      {.doc = "Ann and ann are the same user. Domains never differ by case.", .reloadable = true});
  t.add_records("catch_all", &address_rules::catch_all, catch_all_table(),
                {.doc = "Who gets mail for names of a domain that nobody has, one record for each "
                        "such domain. Not for a user who exists and is disabled.",
                 .unique = "domain",
                 .reloadable = true});
  return t;
}

std::unique_ptr<engine> make_engine(const settings& s) {
  if (s.engine == engine_kind::yaml) {
    return std::make_unique<yaml_engine>(s.file);
  }
  return std::make_unique<sqlite_engine>(s.file, s.busy);
}

} // namespace homeward::directory
