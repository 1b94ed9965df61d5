// homewardctl status: every store, as it answers now.

#include <filesystem>
#include <future>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "lib/base/escape.hpp"
#include "lib/fs/real_file_system.hpp"
#include "lib/store_protocol/command.hpp"

#include "admin/commands.hpp"
#include "admin/output.hpp"
#include "admin/store_talk.hpp"

namespace homeward::admin {

namespace {

struct status_options {
  double seconds = 5;
  std::vector<std::string> servers;
};

// One partition, as its store or this host sees it.
struct partition_report {
  directory::partition partition;
  std::uint64_t users = 0;
  bool is_there = false;
  std::string words = {}; // why not
  std::uint64_t free = 0; // octets; 0 with total 0: not told
  std::uint64_t total = 0;
};

struct server_report {
  directory::server server;
  std::vector<partition_report> partitions = {};
  std::optional<failure> trouble = {}; // no answer
  std::string endpoint = {};
  std::string software = {};
  std::chrono::microseconds answered_in{0};
  std::optional<store_protocol::load_figures> load = {};
};

std::uint64_t pair_of(const store_protocol::reply& r, std::string_view key) {
  const std::string* text = r.find(key);
  const auto number = text == nullptr ? result<std::uint64_t>(std::uint64_t{0})
                                      : store_protocol::parse_number(*text);
  return number.has_value() ? *number : 0;
}

// Asks for one partition and takes the question back. False when the talk cannot go on.
bool ask_partition(store_talk& store, const store_features& features, partition_report& p) {
  const auto command =
      store_protocol::encode_partition(p.partition.id.directory, store_protocol::limits{});
  if (command.has_error()) {
    p.words = command.error().what;
    return true;
  }
  const auto answer = store.ask(*command);
  if (answer.has_error()) {
    p.words = answer.error().what;
    return false;
  }
  p.is_there = answer->ok;
  p.words = answer->ok ? "" : answer->text;
  p.free = pair_of(*answer, "free");
  p.total = pair_of(*answer, "total");
  return features.rset && store.ask("RSET\r\n").has_value();
}

void ask_server(server_report& r, steady_time give_up) {
  const steady_time begun = std::chrono::steady_clock::now();
  auto store = store_talk::open(r.server, give_up);
  if (store.has_error()) {
    r.trouble = store.error();
    return;
  }
  r.endpoint = store->endpoint();
  const auto features = store->features();
  if (features.has_error()) {
    r.trouble = features.error();
    return;
  }
  r.answered_in = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - begun);
  r.software = features->software;
  if (features->load) {
    const auto answer = store->ask("NOOP\r\n");
    if (answer.has_value()) {
      r.load = store_protocol::load_from(*answer);
    }
  }
  for (auto& p : r.partitions) {
    if (p.partition.kind == directory::partition_kind::stored &&
        !ask_partition(*store, *features, p)) {
      break;
    }
  }
  (void)store->ask("QUIT\r\n");
}

// A partition of kind path is looked at from here: that is how front ends reach it.
void look_at_path(partition_report& p) {
  fs::real_file_system disk;
  const auto folder = disk.open_directory(p.partition.path);
  if (folder.has_error()) {
    p.words = fs::to_failure(folder.error(), p.partition.path).cause;
    return;
  }
  const auto space = disk.space(*folder);
  p.is_there = space.has_value();
  if (space.has_value()) {
    p.free = space->free.octets;
    p.total = space->total.octets;
  } else {
    p.words = fs::to_failure(space.error(), p.partition.path).cause;
  }
}

void look(server_report& r, std::chrono::nanoseconds limit) {
  for (auto& p : r.partitions) {
    if (p.partition.kind == directory::partition_kind::path) {
      look_at_path(p);
    }
  }
  const bool runs_stored =
      !r.server.endpoints.empty() ||
      std::any_of(r.partitions.begin(), r.partitions.end(), [](const partition_report& p) {
        return p.partition.kind == directory::partition_kind::stored;
      });
  if (runs_stored) {
    ask_server(r, std::chrono::steady_clock::now() + limit);
  }
}

// All at once: one that does not answer takes its time limit and nobody else's.
void look_at_all(std::vector<server_report>& all, std::chrono::nanoseconds limit) {
  std::vector<std::future<void>> looking;
  looking.reserve(all.size());
  for (auto& r : all) {
    looking.push_back(std::async(std::launch::async, [&r, limit] { look(r, limit); }));
  }
  for (auto& one : looking) {
    one.get();
  }
}

result<std::vector<server_report>> from_directory(session& s, const status_options& o) {
  const auto engine = s.engine();
  if (engine.has_error()) {
    return engine.error();
  }
  const auto servers = (*engine)->servers();
  const auto partitions = (*engine)->partitions();
  const auto usage = (*engine)->usage();
  if (servers.has_error() || partitions.has_error() || usage.has_error()) {
    return servers.has_error()      ? servers.error()
           : partitions.has_error() ? partitions.error()
                                    : usage.error();
  }
  std::vector<server_report> all;
  for (const auto& server : *servers) {
    if (!o.servers.empty() &&
        std::find(o.servers.begin(), o.servers.end(), server.name) == o.servers.end()) {
      continue;
    }
    all.push_back({.server = server});
    for (const auto& p : *partitions) {
      if (p.id.server != server.name) {
        continue;
      }
      partition_report report{.partition = p};
      for (const auto& use : *usage) {
        report.users = use.id == p.id ? use.primary : report.users;
      }
      all.back().partitions.push_back(report);
    }
  }
  for (const auto& wanted : o.servers) {
    if (std::none_of(all.begin(), all.end(),
                     [&](const server_report& r) { return r.server.name == wanted; })) {
      failure f =
          permanent_failure(failure_reason::perm, "there is no server " + escape(wanted, 80));
      f.advice = "See `homewardctl server list`.";
      return f;
    }
  }
  return all;
}

bool is_well(const server_report& r) {
  return !r.trouble && std::all_of(r.partitions.begin(), r.partitions.end(),
                                   [](const partition_report& p) { return p.is_there; });
}

nlohmann::json json_of(const server_report& r) {
  nlohmann::json j = {{"server", r.server.name},
                      {"reachable", !r.trouble && !r.endpoint.empty()},
                      {"endpoint", r.endpoint},
                      {"milliseconds", static_cast<double>(r.answered_in.count()) / 1000},
                      {"software", r.software},
                      {"partitions", nlohmann::json::array()}};
  if (r.load) {
    j["version"] = r.load->version;
    j["busy_percent"] = r.load->busy_percent;
    j["sessions"] = r.load->sessions;
  }
  if (r.trouble) {
    j["error"] = {{"what", r.trouble->what}, {"cause", r.trouble->cause}};
  }
  for (const auto& p : r.partitions) {
    j["partitions"].push_back({{"partition", to_string(p.partition.id)},
                               {"state", name_of(p.partition.state)},
                               {"there", p.is_there},
                               {"words", p.words},
                               {"users", p.users},
                               {"free", p.free},
                               {"total", p.total}});
  }
  return j;
}

void print_tables(session& s, const std::vector<server_report>& all) {
  table servers({"SERVER", "STATE", "ANSWERED IN>", "SOFTWARE", "BUSY>", "SESSIONS>", "ADDRESS"});
  table partitions({"PARTITION", "STATE", "AT THE STORE", "USERS>", "FREE>", "TOTAL>", "FREE %>"});
  for (const auto& r : all) {
    const bool asked = r.trouble || !r.endpoint.empty();
    servers.add({r.server.name, r.trouble ? "DOWN" : (asked ? "up" : "-"),
                 r.endpoint.empty() || r.trouble
                     ? "-"
                     : fmt::format("{:.1f} ms", static_cast<double>(r.answered_in.count()) / 1000),
                 r.software.empty() ? "-" : r.software,
                 r.load ? fmt::format("{} %", r.load->busy_percent) : "-",
                 r.load ? std::to_string(r.load->sessions) : "-",
                 r.endpoint.empty() ? join(r.server.endpoints, " ") : r.endpoint});
    for (const auto& p : r.partitions) {
      const std::string there = p.is_there                     ? "there"
                                : r.trouble && p.words.empty() ? "not known"
                                                               : "MISSING: " + p.words;
      partitions.add({to_string(p.partition.id), std::string(name_of(p.partition.state)), there,
                      std::to_string(p.users), p.total == 0 ? "-" : size_text(p.free),
                      p.total == 0 ? "-" : size_text(p.total),
                      p.total == 0 ? "-"
                                   : fmt::format("{:.0f}", 100.0 * static_cast<double>(p.free) /
                                                               static_cast<double>(p.total))});
    }
  }
  servers.print(s.out());
  if (!partitions.empty()) {
    s.out() << '\n';
    partitions.print(s.out());
  }
  for (const auto& r : all) {
    if (r.trouble) {
      s.out() << fmt::format("\n{}: {}\n  {}\n  {}\n", r.server.name, escape(r.trouble->what, 300),
                             escape(r.trouble->cause, 600), r.trouble->advice);
    }
  }
}

exit_code status(session& s, const status_options& o) {
  auto all = from_directory(s, o);
  if (all.has_error()) {
    return s.report(all.error());
  }
  look_at_all(*all, std::chrono::duration_cast<std::chrono::nanoseconds>(
                        std::chrono::duration<double>(o.seconds)));
  if (s.json()) {
    nlohmann::json document = nlohmann::json::array();
    for (const auto& r : *all) {
      document.push_back(json_of(r));
    }
    s.print(document);
  } else if (all->empty()) {
    s.out() << "No servers yet: homewardctl server add NAME --endpoint HOST:PORT\n";
  } else {
    print_tables(s, *all);
  }
  return std::all_of(all->begin(), all->end(), is_well) ? exit_code::done : exit_code::negative;
}

} // namespace

void add_status_command(CLI::App& app, session& s) {
  auto* command = app.add_subcommand("status", "Every store: does it answer, how loaded is it, how "
                                               "much room has it");
  command->footer("Exit code 1: a store does not answer, or a partition is missing there.\n\n"
                  "Examples:\n"
                  "  homewardctl status\n"
                  "  homewardctl status store1 --timeout 1\n"
                  "  homewardctl status --json | jq '.[] | select(.reachable | not) | .server'");
  const auto o = std::make_shared<status_options>();
  command->add_option("server", o->servers, "Only these servers")->type_name("NAME");
  command->add_option("--timeout", o->seconds, "Seconds to wait for each server")
      ->check(CLI::Range(0.1, 300.0))
      ->capture_default_str();
  on_chosen(*command, s, [&s, o] { return status(s, *o); });
}

} // namespace homeward::admin
