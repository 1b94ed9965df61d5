// homewardctl partition: the storage space list.

#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "admin/commands.hpp"
#include "admin/output.hpp"

namespace homeward::admin {

namespace {

using directory::partition;
using directory::partition_id;
using directory::partition_kind;
using directory::partition_state;

struct partition_options {
  std::string id;
  std::string server;
  std::string kind = "stored";
  std::string path;
  std::string state;
  int weight = -1; // not given
  bool names_only = false;
  bool yes = false;
};

// What a state means for mail and for new users, said when it changes.
const char* meaning(partition_state state) {
  switch (state) {
  case partition_state::active: return "It takes mail and new users.";
  case partition_state::draining: return "It takes mail, but no new users.";
  case partition_state::full: return "It takes mail as long as there is room, but no new users.";
  case partition_state::offline:
    return "Mail for its users is answered \"try later\" and waits in the MTA's queue.";
  }
  return "";
}

result<partition> find_partition(session& s, const partition_id& id) {
  const auto engine = s.engine();
  if (engine.has_error()) {
    return engine.error();
  }
  const auto all = (*engine)->partitions();
  if (all.has_error()) {
    return all.error();
  }
  for (const auto& known : *all) {
    if (known.id == id) {
      return known;
    }
  }
  failure f = permanent_failure(failure_reason::perm, "there is no partition " + to_string(id));
  f.advice = "See `homewardctl partition list`.";
  return f;
}

exit_code add(session& s, const partition_options& o) {
  const auto id = directory::parse_partition_id(o.id);
  if (id.has_error()) {
    return s.report(id.error());
  }
  partition added{.id = *id, .kind = directory::parse_partition_kind(o.kind).value()};
  added.path = o.path;
  added.state = directory::parse_partition_state(o.state).value_or(partition_state::active);
  // Today's shared tree is what users move away from: it gets new ones only if somebody says so.
  const bool is_path = added.kind == partition_kind::path;
  added.weight = o.weight >= 0 ? static_cast<std::uint32_t>(o.weight) : (is_path ? 0U : 1U);
  return change_directory(
      s, [&](directory::edit& e) { return e.add(added); },
      [&] {
        if (s.json()) {
          s.print(to_json(added));
          return;
        }
        s.out() << fmt::format("Partition {} is in the directory. {}\n", o.id,
                               added.weight == 0 && added.state == partition_state::active
                                   ? "It takes mail, but no new users (weight 0)."
                                   : meaning(added.state));
        if (!is_path) {
          s.out() << fmt::format("If it is new there, make it on {}: stored --init-partition {}\n",
                                 id->server, id->directory);
        }
      });
}

exit_code list(session& s, const partition_options& o) {
  const auto engine = s.engine();
  if (engine.has_error()) {
    return s.report(engine.error());
  }
  const auto all = (*engine)->partitions();
  const auto usage = (*engine)->usage();
  if (all.has_error() || usage.has_error()) {
    return s.report(all.has_error() ? all.error() : usage.error());
  }
  nlohmann::json document = nlohmann::json::array();
  table t({"PARTITION", "KIND", "STATE", "WEIGHT>", "USERS>", "SECOND COPIES>", "PATH"});
  for (const auto& p : *all) {
    if (!o.server.empty() && p.id.server != o.server) {
      continue;
    }
    directory::partition_use use{.id = p.id};
    for (const auto& known : *usage) {
      use = known.id == p.id ? known : use;
    }
    if (o.names_only) {
      s.out() << to_string(p.id) << '\n';
    }
    auto j = to_json(p);
    j["users"] = use.primary;
    j["second_copies"] = use.secondary;
    document.push_back(j);
    t.add({to_string(p.id), std::string(name_of(p.kind)), std::string(name_of(p.state)),
           std::to_string(p.weight), std::to_string(use.primary), std::to_string(use.secondary),
           p.path});
  }
  if (s.json()) {
    s.print(document);
  } else if (!o.names_only) {
    t.print(s.out());
    if (t.empty()) {
      s.out() << "No partitions yet: homewardctl partition add SERVER/DIRECTORY\n";
    }
  }
  return exit_code::done;
}

exit_code show(session& s, const partition_options& o) {
  const auto id = directory::parse_partition_id(o.id);
  if (id.has_error()) {
    return s.report(id.error());
  }
  const auto known = find_partition(s, *id);
  if (known.has_error()) {
    return s.report(known.error());
  }
  const auto usage = (*s.engine())->usage();
  if (usage.has_error()) {
    return s.report(usage.error());
  }
  directory::partition_use use;
  for (const auto& u : *usage) {
    use = u.id == *id ? u : use;
  }
  if (s.json()) {
    auto j = to_json(*known);
    j["users"] = use.primary;
    j["second_copies"] = use.secondary;
    s.print(j);
    return exit_code::done;
  }
  print_facts(s.out(),
              {{"Partition", o.id},
               {"Kind", known->kind == partition_kind::stored
                            ? "stored (reached through the storage protocol)"
                            : "path " + known->path},
               {"State", fmt::format("{}: {}", name_of(known->state), meaning(known->state))},
               {"Weight", std::to_string(known->weight)},
               {"Users", std::to_string(use.primary)},
               {"Second copies", std::to_string(use.secondary)}});
  return exit_code::done;
}

exit_code set(session& s, const partition_options& o) {
  const auto id = directory::parse_partition_id(o.id);
  if (id.has_error()) {
    return s.report(id.error());
  }
  const auto known = find_partition(s, *id);
  if (known.has_error()) {
    return s.report(known.error());
  }
  partition changed = *known;
  changed.state = directory::parse_partition_state(o.state).value_or(changed.state);
  changed.weight = o.weight >= 0 ? static_cast<std::uint32_t>(o.weight) : changed.weight;
  changed.path = o.path.empty() ? changed.path : o.path;
  if (changed == *known && o.state.empty() && o.weight < 0 && o.path.empty()) {
    s.err() << "homewardctl: nothing to set: give --state, --weight or --path\n";
    return exit_code::usage;
  }
  return change_directory(
      s, [&](directory::edit& e) { return e.set(changed); },
      [&] {
        if (s.json()) {
          s.print(to_json(changed));
          return;
        }
        s.out() << fmt::format("Partition {} is {} with weight {} now. {}\n", o.id,
                               name_of(changed.state), changed.weight, meaning(changed.state));
      });
}

exit_code remove(session& s, const partition_options& o) {
  const auto id = directory::parse_partition_id(o.id);
  if (id.has_error()) {
    return s.report(id.error());
  }
  const auto known = find_partition(s, *id);
  if (known.has_error()) {
    return s.report(known.error());
  }
  if (!o.yes && !s.confirm(fmt::format("Remove partition {} from the directory?", o.id))) {
    return exit_code::refused;
  }
  return change_directory(
      s, [&](directory::edit& e) { return e.remove_partition(*id); },
      [&] {
        if (s.json()) {
          s.print({{"removed", o.id}});
          return;
        }
        s.out() << fmt::format(
            "Partition {} is no longer in the directory. Its files stay where they are.\n", o.id);
      });
}

void add_id(CLI::App& command, partition_options& o) {
  command.add_option("partition", o.id, "The partition, such as store1/mail1")
      ->required()
      ->type_name("SERVER/DIRECTORY");
}

void add_state_and_weight(CLI::App& command, partition_options& o) {
  command
      .add_option(
          "--state", o.state,
          "active: mail and new users; draining: mail only; full: mail while there is room; "
          "offline: mail waits")
      ->check(CLI::IsMember({"active", "draining", "full", "offline"}));
  command
      .add_option("--weight", o.weight,
                  "Its share of new users against the other partitions; 0: none")
      ->check(CLI::Range(0, static_cast<int>(directory::largest_weight)));
}

} // namespace

void add_partition_command(CLI::App& app, session& s) {
  auto* partition = app.add_subcommand("partition", "Partitions: the storage space list");
  partition->require_subcommand(1);
  partition->footer("Examples:\n"
                    "  homewardctl partition add store1/mail1\n"
                    "  homewardctl partition add nfs/old --kind path --path /mnt/mail\n"
                    "  homewardctl partition set store1/mail1 --state draining\n"
                    "  homewardctl partition list");
  const auto o = std::make_shared<partition_options>();

  auto* command = partition->add_subcommand("add", "Add a partition of a server");
  add_id(*command, *o);
  command
      ->add_option("--kind", o->kind,
                   "stored: reached through the storage protocol; path: a directory tree that the "
                   "front ends write themselves")
      ->check(CLI::IsMember({"stored", "path"}))
      ->capture_default_str();
  command->add_option("--path", o->path, "The absolute path, for kind path");
  add_state_and_weight(*command, *o);
  on_chosen(*command, s, [&s, o] { return add(s, *o); });

  command = partition->add_subcommand("list", "All partitions, and how many users live there");
  command->add_option("--server", o->server, "Only those of this server");
  command->add_flag("--names", o->names_only, "Only the names, one a line");
  on_chosen(*command, s, [&s, o] { return list(s, *o); });

  command = partition->add_subcommand("show", "One partition");
  add_id(*command, *o);
  on_chosen(*command, s, [&s, o] { return show(s, *o); });

  command = partition->add_subcommand("set", "Change the state, weight or path of a partition");
  add_id(*command, *o);
  add_state_and_weight(*command, *o);
  command->add_option("--path", o->path, "The absolute path, for kind path");
  on_chosen(*command, s, [&s, o] { return set(s, *o); });

  command =
      partition->add_subcommand("remove", "Remove a partition on which nobody lives any more");
  add_id(*command, *o);
  command->add_flag("--yes", o->yes, "Do not ask");
  on_chosen(*command, s, [&s, o] { return remove(s, *o); });
}

} // namespace homeward::admin
