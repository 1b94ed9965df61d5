// homewardctl server: the storage servers and where their stored listens.

#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "lib/base/escape.hpp"

#include "admin/commands.hpp"
#include "admin/output.hpp"

namespace homeward::admin {

namespace {

struct server_options {
  std::string name;
  std::vector<std::string> endpoints;
  bool names_only = false;
  bool yes = false;
};

failure no_such_server(const std::string& name) {
  failure f = permanent_failure(failure_reason::perm, "there is no server " + escape(name, 80));
  f.advice = "See `homewardctl server list`.";
  return f;
}

result<directory::server> find_server(session& s, const std::string& name) {
  const auto engine = s.engine();
  if (engine.has_error()) {
    return engine.error();
  }
  const auto servers = (*engine)->servers();
  if (servers.has_error()) {
    return servers.error();
  }
  for (const auto& known : *servers) {
    if (known.name == name) {
      return known;
    }
  }
  return no_such_server(name);
}

exit_code add(session& s, const server_options& o) {
  const directory::server added{.name = o.name, .endpoints = o.endpoints};
  return change_directory(
      s, [&](directory::edit& e) { return e.add(added); },
      [&] {
        if (s.json()) {
          s.print(to_json(added));
          return;
        }
        s.out() << fmt::format("Server {} is in the directory.\n", o.name);
        if (o.endpoints.empty()) {
          s.out() << "It has no address: it can only hold partitions of kind path.\n";
        }
        s.out() << fmt::format("Next: homewardctl partition add {}/DIRECTORY\n", o.name);
      });
}

exit_code list(session& s, const server_options& o) {
  const auto engine = s.engine();
  if (engine.has_error()) {
    return s.report(engine.error());
  }
  const auto servers = (*engine)->servers();
  const auto usage = (*engine)->usage();
  if (servers.has_error() || usage.has_error()) {
    return s.report(servers.has_error() ? servers.error() : usage.error());
  }
  nlohmann::json all = nlohmann::json::array();
  table t({"SERVER", "PARTITIONS>", "USERS>", "ADDRESSES"});
  for (const auto& known : *servers) {
    std::uint64_t partitions = 0;
    std::uint64_t users = 0;
    for (const auto& use : *usage) {
      partitions += use.id.server == known.name ? 1U : 0U;
      users += use.id.server == known.name ? use.primary : 0U;
    }
    if (o.names_only) {
      s.out() << known.name << '\n';
    }
    auto j = to_json(known);
    j["partitions"] = partitions;
    j["users"] = users;
    all.push_back(j);
    t.add({known.name, std::to_string(partitions), std::to_string(users),
           known.endpoints.empty() ? "-" : join(known.endpoints, " ")});
  }
  if (s.json()) {
    s.print(all);
  } else if (!o.names_only) {
    t.print(s.out());
    if (t.empty()) {
      s.out() << "No servers yet: homewardctl server add NAME --endpoint HOST:PORT\n";
    }
  }
  return exit_code::done;
}

exit_code show(session& s, const server_options& o) {
  const auto known = find_server(s, o.name);
  if (known.has_error()) {
    return s.report(known.error());
  }
  const auto usage = (*s.engine())->usage();
  if (usage.has_error()) {
    return s.report(usage.error());
  }
  std::vector<std::string> partitions;
  for (const auto& use : *usage) {
    if (use.id.server == o.name) {
      partitions.push_back(
          fmt::format("{} ({})", to_string(use.id), count_of(use.primary, "user")));
    }
  }
  if (s.json()) {
    auto j = to_json(*known);
    j["partitions"] = nlohmann::json::array();
    for (const auto& use : *usage) {
      if (use.id.server == o.name) {
        j["partitions"].push_back({{"partition", to_string(use.id)}, {"users", use.primary}});
      }
    }
    s.print(j);
    return exit_code::done;
  }
  print_facts(s.out(),
              {{"Server", known->name},
               {"Addresses", known->endpoints.empty() ? "none" : join(known->endpoints, ", ")},
               {"Partitions", partitions.empty() ? "none" : join(partitions, ", ")}});
  return exit_code::done;
}

exit_code set(session& s, const server_options& o) {
  const directory::server changed{.name = o.name, .endpoints = o.endpoints};
  return change_directory(
      s, [&](directory::edit& e) { return e.set(changed); },
      [&] {
        if (s.json()) {
          s.print(to_json(changed));
          return;
        }
        s.out() << fmt::format("Server {} is reached at {} now.\n", o.name,
                               o.endpoints.empty() ? "no address" : join(o.endpoints, ", "));
      });
}

exit_code remove(session& s, const server_options& o) {
  const auto known = find_server(s, o.name);
  if (known.has_error()) {
    return s.report(known.error());
  }
  if (!o.yes && !s.confirm(fmt::format("Remove server {} from the directory?", o.name))) {
    return exit_code::refused;
  }
  return change_directory(
      s, [&](directory::edit& e) { return e.remove_server(o.name); },
      [&] {
        if (s.json()) {
          s.print({{"removed", o.name}});
          return;
        }
        s.out() << fmt::format(
            "Server {} is no longer in the directory. Nothing on it was touched.\n", o.name);
      });
}

CLI::Option* add_name(CLI::App& command, server_options& o) {
  return command.add_option("name", o.name, "The server, such as store1")
      ->required()
      ->type_name("NAME");
}

void add_endpoints(CLI::App& command, server_options& o) {
  command
      .add_option("--endpoint", o.endpoints,
                  "Where its stored listens; give it several times for several addresses, in the "
                  "order in which they are to be tried")
      ->type_name("HOST:PORT|unix:PATH")
      ->allow_extra_args(false);
}

} // namespace

void add_server_command(CLI::App& app, session& s) {
  auto* server = app.add_subcommand("server", "Storage servers");
  server->require_subcommand(1);
  server->footer("Examples:\n"
                 "  homewardctl server add store1 --endpoint 10.0.0.11:2400\n"
                 "  homewardctl server set store1 --endpoint 10.0.0.12:2400\n"
                 "  homewardctl server list");
  const auto o = std::make_shared<server_options>();

  auto* command = server->add_subcommand("add", "Add a server");
  add_name(*command, *o);
  add_endpoints(*command, *o);
  on_chosen(*command, s, [&s, o] { return add(s, *o); });

  command = server->add_subcommand("list", "All servers");
  command->add_flag("--names", o->names_only, "Only the names, one a line");
  on_chosen(*command, s, [&s, o] { return list(s, *o); });

  command = server->add_subcommand("show", "One server");
  add_name(*command, *o);
  on_chosen(*command, s, [&s, o] { return show(s, *o); });

  command = server->add_subcommand("set", "Replace the addresses of a server");
  add_name(*command, *o);
  add_endpoints(*command, *o);
  command->get_option("--endpoint")->required();
  on_chosen(*command, s, [&s, o] { return set(s, *o); });

  command = server->add_subcommand("remove", "Remove a server that has no partitions any more");
  add_name(*command, *o);
  command->add_flag("--yes", o->yes, "Do not ask");
  on_chosen(*command, s, [&s, o] { return remove(s, *o); });
}

} // namespace homeward::admin
