// homewardctl locate: where mail for an address goes, and why.

#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "lib/base/escape.hpp"

#include "admin/commands.hpp"
#include "admin/located_home.hpp"
#include "admin/output.hpp"
#include "admin/where_mail_lies.hpp"

namespace homeward::admin {

namespace {

// What the front end does with mail for this user now.
std::string verdict(const located_home& found) {
  if (found.user->where.state == directory::user_state::disabled) {
    return "refused for good: the user is disabled";
  }
  if (found.partition.state == directory::partition_state::offline) {
    return "\"try later\": the partition is offline";
  }
  if (found.partition.kind == directory::partition_kind::path) {
    return "filed by the front end itself";
  }
  if (found.server.endpoints.empty()) {
    return "\"try later\": server " + found.server.name + " has no address";
  }
  return "handed to stored on " + found.server.name;
}

exit_code print_found(session& s, const std::string& address, const located_home& found) {
  const auto& u = *found.user;
  const std::string lies = where_mail_lies(u.mailbox, found.partition);
  if (s.json()) {
    auto j = to_json(u);
    j["address"] = address;
    j["looked_up"] = found.looked_up;
    j["partition"] = to_json(found.partition);
    j["server"] = to_json(found.server);
    j["maildir"] = default_maildir(u.mailbox);
    j["mail_lies"] = lies;
    j["new_mail"] = verdict(found);
    s.print(j);
    return exit_code::done;
  }
  std::vector<std::pair<std::string, std::string>> facts = {{"Address", address}};
  for (const auto& name : found.looked_up) {
    facts.emplace_back("Looked up", name + (name == u.mailbox ? ": found" : ": no such user"));
  }
  facts.insert(facts.end(),
               {{"Mailbox", u.mailbox},
                {"Home", fmt::format("{} ({}), epoch {}", to_string(u.where.primary),
                                     name_of(found.partition.state), u.where.epoch)},
                {"Server", found.server.name + (found.server.endpoints.empty()
                                                    ? ", no address"
                                                    : " at " + join(found.server.endpoints, ", "))},
                {"Second copy", u.where.secondary ? to_string(*u.where.secondary) : "none"},
                {"Quota", quota_text(u.where.quota)},
                {"Mail lies", lies},
                {"New mail", verdict(found)}});
  print_facts(s.out(), facts);
  if (found.partition.kind == directory::partition_kind::stored) {
    s.out()
        << "The path is that of the default template; the identity file of the partition has the "
           "last word.\n";
  }
  return exit_code::done;
}

exit_code print_nobody(session& s, const std::string& address, const located_home& found) {
  if (s.json()) {
    s.print({{"address", address},
             {"looked_up", found.looked_up},
             {"mailbox", nullptr},
             {"similar", found.similar}});
    return exit_code::negative;
  }
  s.out() << fmt::format(
      "Nobody has the address {}: mail for it is refused with \"no such user\".\n",
      escape(address, 256));
  for (const auto& name : found.looked_up) {
    s.out() << fmt::format("  looked up {}\n", escape(name, 256));
  }
  if (!found.similar.empty()) {
    s.out() << fmt::format("There is: {}\n", join(found.similar, ", "));
  }
  return exit_code::negative;
}

} // namespace

void add_locate_command(CLI::App& app, session& s) {
  auto* command = app.add_subcommand("locate", "Where mail for an address goes, and why");
  command->footer(
      "The address rules (default domain, details, case) are those of the settings file.\n\n"
      "Exit code 1: nobody has this address.\n\n"
      "Example:\n"
      "  homewardctl locate Ann+lists@Example.org");
  const auto address = std::make_shared<std::string>();
  command->add_option("address", *address, "The address, as a sender writes it")
      ->required()
      ->type_name("ADDRESS");
  on_chosen(*command, s, [&s, address] {
    const auto found = locate_home(s, *address);
    if (found.has_error()) {
      return s.report(found.error());
    }
    return found->user ? print_found(s, *address, *found) : print_nobody(s, *address, *found);
  });
}

} // namespace homeward::admin
