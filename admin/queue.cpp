// homewardctl queue: what waits, where, for which store, and why.

#include <ctime>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "lib/fs/real_file_system.hpp"
#include "lib/mta_queue/queue_summary.hpp"

#include "admin/commands.hpp"
#include "admin/output.hpp"
#include "admin/queue_destinations.hpp"
#include "admin/queue_sources.hpp"

namespace homeward::admin {

namespace {

using mta_queue::destination_count;
using mta_queue::directory_count;
using mta_queue::queue_summary;
using mta_queue::reason_count;

struct queue_wishes {
  queue_options queues;
  std::size_t top = 20;
};

// "3d 4h", "12m", "5s": two units are enough.
std::string age_text(std::int64_t since, std::int64_t now) {
  if (since == 0) {
    return "-";
  }
  const std::int64_t age = std::max<std::int64_t>(0, now - since);
  if (age >= 86400) {
    return fmt::format("{}d {}h", age / 86400, age % 86400 / 3600);
  }
  if (age >= 3600) {
    return fmt::format("{}h {}m", age / 3600, age % 3600 / 60);
  }
  return age >= 60 ? fmt::format("{}m {}s", age / 60, age % 60) : fmt::format("{}s", age);
}

nlohmann::json age_json(std::int64_t since, std::int64_t now) {
  return since == 0 ? nlohmann::json(nullptr)
                    : nlohmann::json(std::max<std::int64_t>(0, now - since));
}

nlohmann::json json_of(const directory_count& d, std::int64_t now) {
  return {{"messages", d.messages}, {"recipients", d.recipients},
          {"untried", d.untried},   {"held", d.held},
          {"lost", d.lost},         {"oldest_seconds", age_json(d.oldest, now)}};
}

nlohmann::json json_of(const queue_summary& summary, std::int64_t now) {
  nlohmann::json j = {{"total", json_of(summary.total(), now)},
                      {"directories", nlohmann::json::array()},
                      {"destinations", nlohmann::json::array()},
                      {"reasons", nlohmann::json::array()}};
  for (const directory_count& d : summary.directories()) {
    auto one = json_of(d, now);
    one["group"] = d.group;
    one["directory"] = d.directory;
    j["directories"].push_back(std::move(one));
  }
  for (const destination_count& d : summary.destinations()) {
    j["destinations"].push_back({{"destination", d.destination},
                                 {"messages", d.messages},
                                 {"recipients", d.recipients},
                                 {"oldest_seconds", age_json(d.oldest, now)}});
  }
  for (const reason_count& r : summary.reasons()) {
    j["reasons"].push_back(
        {{"reason", r.reason}, {"recipients", r.recipients}, {"example", r.example}});
  }
  return j;
}

void print_directories(session& s, const queue_summary& summary, std::int64_t now) {
  table t(
      {"QUEUE", "DIRECTORY", "MESSAGES>", "RECIPIENTS>", "UNTRIED>", "HELD>", "LOST>", "OLDEST>"});
  for (const directory_count& d : summary.directories()) {
    t.add({d.group, d.directory, std::to_string(d.messages), std::to_string(d.recipients),
           std::to_string(d.untried), std::to_string(d.held), std::to_string(d.lost),
           age_text(d.oldest, now)});
  }
  t.print(s.out());
}

void print_destinations(session& s, const queue_summary& summary, std::size_t top,
                        std::int64_t now) {
  const auto all = summary.destinations();
  table t({"DESTINATION", "MESSAGES>", "RECIPIENTS>", "OLDEST>"});
  for (std::size_t i = 0; i < std::min(top, all.size()); ++i) {
    t.add({all[i].destination, std::to_string(all[i].messages), std::to_string(all[i].recipients),
           age_text(all[i].oldest, now)});
  }
  if (t.empty()) {
    return;
  }
  s.out() << '\n';
  t.print(s.out());
  if (all.size() > top) {
    s.out() << fmt::format("and {} destinations more: --top {}\n", all.size() - top, all.size());
  }
}

void print_reasons(session& s, const queue_summary& summary, std::size_t top) {
  const auto all = summary.reasons();
  table t({"RECIPIENTS>", "WHY", "FOR EXAMPLE"});
  for (std::size_t i = 0; i < std::min(top, all.size()); ++i) {
    t.add({std::to_string(all[i].recipients), all[i].reason, all[i].example});
  }
  if (t.empty()) {
    return;
  }
  s.out() << '\n';
  t.print(s.out());
  if (all.size() > top) {
    s.out() << fmt::format("and {} reasons more: --top {}\n", all.size() - top, all.size());
  }
}

void print_text(session& s, const queue_summary& summary, std::size_t top) {
  const auto now = static_cast<std::int64_t>(std::time(nullptr));
  print_directories(s, summary, now);
  print_destinations(s, summary, top, now);
  print_reasons(s, summary, top);
  const directory_count all = summary.total();
  s.out() << '\n';
  if (all.messages == 0) {
    s.out() << "Nothing waits.\n";
    return;
  }
  s.out() << fmt::format("{} {} for {}, the oldest for {}.\n", count_of(all.messages, "message"),
                         all.messages == 1 ? "waits" : "wait",
                         count_of(all.recipients, "recipient"), age_text(all.oldest, now));
}

exit_code show_queue(session& s, const queue_wishes& w) {
  const auto sources = find_queues(w.queues);
  if (sources.has_error()) {
    return s.report(sources.error());
  }
  fs::real_file_system files;
  queue_destinations destinations(s);
  queue_summary summary([&](const std::string& address) { return destinations.of(address); });
  std::vector<failure> troubles;
  std::vector<std::string> seen;
  for (const sendmail_queue& queue : sources->sendmail) {
    if (auto counted = count_sendmail(files, queue, seen, summary); counted.has_error()) {
      troubles.push_back(counted.error());
    }
  }
  for (const std::string& instance : sources->postfix) {
    if (auto counted = count_postfix(instance, summary); counted.has_error()) {
      troubles.push_back(counted.error());
    }
  }
  if (s.json()) {
    auto j = json_of(summary, static_cast<std::int64_t>(std::time(nullptr)));
    j["troubles"] = nlohmann::json::array();
    for (const failure& f : troubles) {
      j["troubles"].push_back(describe(f));
    }
    j["directory_asked"] = !destinations.trouble();
    s.print(j);
  } else {
    print_text(s, summary, w.top);
  }
  if (destinations.trouble()) {
    s.err() << "homewardctl: the directory cannot be asked, so destinations are domains: "
            << describe(*destinations.trouble()) << '\n';
  }
  for (const failure& f : troubles) {
    s.err() << "homewardctl: " << describe(f) << '\n';
  }
  return troubles.empty() ? exit_code::done : exit_code::unavailable;
}

} // namespace

void add_queue_command(CLI::App& app, session& s) {
  auto* command = app.add_subcommand(
      "queue", "What waits in the queues of sendmail and Postfix: where, for which store, and why");
  command->footer(
      "Without options: the queues of /etc/mail/sendmail.cf and /etc/mail/homeward-farm/*.cf, and "
      "of all Postfix instances, as far as they are there. Nothing is locked or changed. Addresses "
      "and ids are left out of the reasons, so that equal ones count together.\n\n"
      "Exit code 75: a queue could not be read; what could be read was printed.\n\n"
      "Examples:\n"
      "  homewardctl queue\n"
      "  homewardctl queue --sendmail-queue '/var/spool/mqueue/q*'\n"
      "  homewardctl queue --postfix /etc/postfix-slow --json | jq .destinations");
  const auto w = std::make_shared<queue_wishes>();
  command
      ->add_option("--sendmail-queue", w->queues.sendmail_queues,
                   "Queue directories of sendmail; quote the pattern; may be repeated")
      ->type_name("GLOB")
      ->expected(1);
  command
      ->add_option("--sendmail-cf", w->queues.sendmail_cfs,
                   "A sendmail.cf whose queues are meant; may be repeated")
      ->type_name("FILE")
      ->expected(1);
  command
      ->add_option("--postfix", w->queues.postfix,
                   "The configuration directory of a Postfix instance; may be repeated")
      ->type_name("DIRECTORY")
      ->expected(1);
  command->add_option("--top", w->top, "So many destinations and reasons at most")
      ->type_name("NUMBER")
      ->capture_default_str();
  on_chosen(*command, s, [&s, w] { return show_queue(s, *w); });
}

} // namespace homeward::admin
