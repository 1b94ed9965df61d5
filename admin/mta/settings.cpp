#include "admin/mta/settings.hpp"

#include <regex>

#include <fmt/format.h>

#include "lib/config/roff.hpp"
#include "lib/mail/address.hpp"

namespace homeward::admin::mta {

namespace {

std::string check_domains(const std::vector<std::string>& domains) {
  for (const auto& domain : domains) {
    if (!mail::parse_address("user@" + domain, mail::charset::ascii)) {
      return fmt::format("holds \"{}\", which is no domain; write it as example.org", domain);
    }
  }
  return "";
}

std::string check_users(const std::vector<std::string>& users) {
  for (const auto& user : users) {
    if (user.find('@') == std::string::npos || !mail::parse_address(user, mail::charset::ascii)) {
      return fmt::format("holds \"{}\", which is no full address; write it as ann@example.org",
                         user);
    }
    if (user.find_first_of(" \t\"\\'`") != std::string::npos) {
      return fmt::format("holds \"{}\", whose local part needs quotes; the tables of the MTAs "
                         "cannot name it, choose its whole domain",
                         user);
    }
  }
  return "";
}

std::string check_socket(const std::string& place) {
  const bool good = place.empty() || place.starts_with("unix:/") || place.starts_with("inet:");
  // What would end a quoted word of sendmail.mc, or a line.
  const bool quiet = place.find_first_of(" \t\n'`,{}") == std::string::npos;
  return good && quiet ? ""
                       : "is no place of a socket; write it as unix:/run/homeward/lmtp.sock or "
                         "inet:127.0.0.1:2424";
}

std::string check_path(const std::string& path) {
  return path.empty() || (path.starts_with('/') && path.find_first_of("\n'`") == std::string::npos)
             ? ""
             : "is no absolute path; write it as /etc/postfix";
}

void add_what(config::table<settings>& t) {
  t.add("mta", &settings::mta,
        {.doc = "Which MTA runs on this host. auto: the one whose configuration is there; with "
                "both installed it has to be named.",
         .names = {{"auto", mta_kind::automatic},
                   {"postfix", mta_kind::postfix},
                   {"sendmail", mta_kind::sendmail}}});
  t.add("configuration", &settings::configuration,
        {.doc = "The directory of main.cf, or of sendmail.mc and sendmail.cf. Empty: /etc/postfix "
                "or /etc/mail.",
         .example = "/etc/postfix",
         .check = check_path});
  t.add("domains", &settings::domains,
        {.doc = "Domains all of whose mail goes to Homeward.",
         .example = "[example.org]",
         .check = check_domains});
  t.add("users", &settings::users,
        {.doc = "Single users whose mail goes to Homeward; others of their domains stay where they "
                "are. This is how to begin.",
         .example = "[ann@example.org]",
         .check = check_users});
  t.add("layout", &settings::layout,
        {.doc = "How the MTA hands over. Postfix: `transport`, a table in transport_maps; "
                "`virtual`, the same, and the domains are put into virtual_mailbox_domains.\n\n"
                "sendmail: `mailertable` for domains that are not local to it; `local_domain` for "
                "one local domain, aliases first; `replace_local`, the bridge in the place of the "
                "local mailer; `rule0`, the look-up server is asked about every recipient.\n\n"
                "auto: `transport`; with sendmail `local_domain` when the domain is local, else "
                "`mailertable`.",
         .names = {{"auto", layout_kind::automatic},
                   {"transport", layout_kind::transport},
                   {"virtual", layout_kind::virtual_domains},
                   {"mailertable", layout_kind::mailertable},
                   {"local_domain", layout_kind::local_domain},
                   {"replace_local", layout_kind::replace_local},
                   {"rule0", layout_kind::rule0}}});
}

void add_old_routes(config::table<settings>& t) {
  t.section("old_routes", "Users whose mail is handled by files of their own",
            "A .forward, a .procmailrc, a vacation reply or a Sieve script no longer runs when the "
            "bridge takes the user's mail.");
  t.add("old_routes.keep", &settings::keep_old_routes,
        {.doc = "true: such users, and names of the aliases files, stay on the route they have "
                "today. false: they move like all others."});
  t.add("old_routes.accounts", &settings::accounts,
        {.doc = "Where the home directories are looked up: a file like /etc/passwd. Empty: the "
                "accounts of the host, from whatever service it asks.",
         .check = check_path});
  t.add("old_routes.aliases", &settings::aliases,
        {.doc = "Text files of aliases. Empty: those that the MTA's configuration names.",
         .example = "[/etc/aliases]"});
  t.add("old_routes.sieve", &settings::sieve,
        {.doc = "Home directories of virtual users, where Sieve scripts are looked for. "
                "Placeholders: {domain}, {user}."});
}

void add_sockets(config::table<settings>& t) {
  t.section("sockets", "Where the daemons of Homeward listen",
            "Empty: below the MTA's reach. For Postfix QUEUE/homeward/NAME.sock, which its "
            "chrooted services see too; for sendmail /run/homeward/NAME.sock.");
  t.add("sockets.lmtp", [](auto& s) -> auto& { return s.sockets.lmtp; },
        {.doc = "homeward-bridge.", .example = "inet:127.0.0.1:2424", .check = check_socket});
  t.add("sockets.milter", [](auto& s) -> auto& { return s.sockets.milter; },
        {.doc = "homeward-milter, the milter.", .check = check_socket});
  t.add("sockets.policy", [](auto& s) -> auto& { return s.sockets.policy; },
        {.doc = "homeward-milter, the policy server (Postfix).", .check = check_socket});
  t.add("sockets.lookup", [](auto& s) -> auto& { return s.sockets.lookup; },
        {.doc = "homeward-milter, the look-up server.", .check = check_socket});
  t.section("doors", "Which doors of homeward-milter the MTA uses");
  t.add("doors.milter", [](auto& s) -> auto& { return s.doors.milter; },
        {.doc = "Verdicts at RCPT by the milter, put behind the filters that are there already."});
  t.add("doors.policy", [](auto& s) -> auto& { return s.doors.policy; },
        {.doc = "Verdicts at RCPT by the policy server. Postfix only."});
  t.add("doors.lookup", [](auto& s) -> auto& { return s.doors.lookup; },
        {.doc = "The look-up server says which users there are."});
}

void add_more(config::table<settings>& t) {
  t.section("sendmail", "How sendmail works");
  t.add("sendmail.handoff", &settings::handoff,
        {.doc = "queue: as it is. interactive: mail is handed to the bridge before the client gets "
                "its 250, without a queue file; sendmail falls back to its queue by itself.",
         .names = {{"queue", handoff_kind::queue}, {"interactive", handoff_kind::interactive}}});
  t.add("sendmail.queue_directories", [](auto& s) -> auto& { return s.queues.directories; },
        {.doc = "Spread the queue over so many directories q1, q2, ... 0: leave it as it is. What "
                "waits in the old directory has to be drained (homeward-drain).",
         .max = 64U});
  t.add("sendmail.queue_base", [](auto& s) -> auto& { return s.queues.base; },
        {.doc = "The directory that holds them.", .check = check_path});
  t.add("tuning", &settings::tuning,
        {.doc = "Apply the tuning fragment too. A setting that the administrator has given a value "
                "of his own keeps it."});
  t.section("reload", "How the MTA is told");
  t.add("reload.how", [](auto& s) -> auto& { return s.reload.how; },
        {.doc = "auto: `postfix reload`; sendmail gets SIGHUP by its pid file. command: what "
                "reload.command says. none: you reload it yourself.",
         .names = {{"auto", reload_kind::automatic},
                   {"command", reload_kind::command},
                   {"none", reload_kind::none}}});
  t.add("reload.command", [](auto& s) -> auto& { return s.reload.command; },
        {.doc = "Program and arguments, for reload.how: command.",
         .example = "[systemctl, restart, sendmail]"});
}

void add_places(config::table<settings>& t) {
  t.add("fragments", &settings::fragments,
        {.doc = "The directory that holds sendmail-cf/ and postfix-conf/.", .check = check_path});
  t.add("backups", &settings::backups,
        {.doc = "Where everything that is replaced is kept, and where the new configuration is "
                "staged and checked.",
         .check = check_path});
  t.add("bridge_settings", &settings::bridge_settings,
        {.doc = "The settings of homeward-bridge, with which `check` compares limits and times.",
         .check = check_path});
  t.section("programs", "Programs, by name or path");
  const auto program = [&t](const char* name, auto where) {
    t.add(fmt::format("programs.{}", name), where, {.doc = fmt::format("The program {}.", name)});
  };
  program(
      "postconf", [](auto& s) -> auto& { return s.programs.postconf; });
  program(
      "postfix", [](auto& s) -> auto& { return s.programs.postfix; });
  program(
      "postmap", [](auto& s) -> auto& { return s.programs.postmap; });
  program(
      "postqueue", [](auto& s) -> auto& { return s.programs.postqueue; });
  program(
      "sendmail", [](auto& s) -> auto& { return s.programs.sendmail; });
  program(
      "makemap", [](auto& s) -> auto& { return s.programs.makemap; });
  program(
      "m4", [](auto& s) -> auto& { return s.programs.m4; });
  program(
      "homeward-bridge", [](auto& s) -> auto& { return s.programs.bridge; });
}

void check_together(const settings& s, const config::report& into) {
  if (s.reload.how == reload_kind::command && s.reload.command.empty()) {
    into.add("reload.command", "is empty", "name the program, or set reload.how: auto");
  }
  const bool of_postfix =
      s.layout == layout_kind::transport || s.layout == layout_kind::virtual_domains;
  if (s.layout != layout_kind::automatic && s.mta != mta_kind::automatic &&
      of_postfix != (s.mta == mta_kind::postfix)) {
    into.add("layout", "is not one of this MTA's", "leave it at auto");
  }
  if (s.mta == mta_kind::sendmail && s.doors.policy) {
    into.add("doors.policy", "is Postfix's", "use doors.milter with sendmail");
  }
  if (s.layout == layout_kind::rule0 && !s.doors.lookup) {
    into.add("layout", "asks the look-up server about every recipient", "set doors.lookup: true");
  }
}

config::table<settings> make_table() {
  config::table<settings> t{"homeward-mta"};
  add_what(t);
  add_old_routes(t);
  add_sockets(t);
  add_more(t);
  add_places(t);
  t.validate(check_together);
  return t;
}

} // namespace

const config::table<settings>& settings_table() {
  static const config::table<settings> table = make_table();
  return table;
}

std::string settings_manual_page() {
  using namespace config;
  std::string out = roff::title("homeward-mta.yaml", 5);
  out += ".SH NAME\n" + roff::text("homeward-mta.yaml") + " \\- " +
         roff::text("which mail a running MTA hands to Homeward") + '\n';
  out += ".SH DESCRIPTION\n" +
         roff::paragraphs(
             "`homewardctl mta` reads this YAML file, /etc/homeward/mta.yaml if no other is named, "
             "compares it with the configuration of the Postfix or sendmail of this host, shows "
             "what has to change, applies it and takes it back. It is read at every command; no "
             "daemon reads it.\n\n"
             "A dot in the names below is a level of the file: `doors.milter` is the key `milter`, "
             "indented below `doors:`. Unknown keys, keys given twice, wrong values and "
             "contradictions are errors, all reported at once.",
             ".PP");
  std::string entries = settings_table().manual_section();
  static constexpr std::string_view restart = ".IP\nA change needs a restart.\n";
  for (auto at = entries.find(restart); at != std::string::npos; at = entries.find(restart, at)) {
    entries.erase(at, restart.size());
  }
  out += ".SH SETTINGS\n" + entries;
  return out + ".SH SEE ALSO\n.BR " + roff::text("homewardctl") + " (8)\n";
}

// The words about daemons do not fit: every command reads the file anew.
std::string settings_example() {
  std::string text = settings_table().example_file();
  text = std::regex_replace(
      text, std::regex(";\\s(# )?a(\n# | )change(\n# | )needs(\n# | )a(\n# | )restart\\)"), ")");
  text = std::regex_replace(text, std::regex("#\n# Check a change with [^\n]*\n"),
                            "#\n# Check a change with `homewardctl mta settings`.\n");
  return text;
}

} // namespace homeward::admin::mta
