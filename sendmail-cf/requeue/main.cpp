// homeward-requeue: jobs that have waited too long go from the first tier of queues to the second.
// docs/operations/queues.md.

#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "lib/base/escape.hpp"
#include "lib/config/value.hpp"
#include "lib/fs/real_file_system.hpp"
#include "lib/mta_queue/sendmail_settings.hpp"

#include "sendmail-cf/requeue/requeue.hpp"
#include "sendmail-cf/tool/command_line.hpp"
#include "sendmail-cf/tool/progress.hpp"

namespace homeward::sendmail_cf {
namespace {

const tool about = {
    .name = "homeward-requeue",
    .summary = "moves old jobs of sendmail from one tier of queues to the next",
    .description =
        "Looks at every job in the queue directories of the first tier and moves those that were "
        "accepted longer ago than `--older` to the directories of the second tier, the emptiest "
        "first, where another daemon tries them less often. New mail then finds a short queue.\n\n"
        "sendmail may run on both tiers. A job that it is working on is locked and is left for the "
        "next time. The program may be killed, or the power cut, at any moment: every job can be "
        "delivered from exactly one place afterwards, and the next run removes what was left "
        "behind. Between two file systems that is not possible in one step; there a job that was "
        "being copied in that moment may be delivered twice.",
    .manual = {
        {"EXIT STATUS",
         "0: done; jobs that are locked or young do not count as trouble.\n\n"
         "1: done, but some jobs were skipped because something is wrong with them; they are named "
         "with what to do.\n\n"
         "64: wrong options.\n\n"
         "75: a directory or the disk failed; every job is where it can be delivered. Look at the "
         "message, then run it again.\n\n"
         "78: what was asked cannot be done, for example a tier that is moved into itself."},
        {"EXAMPLES",
         "Every ten minutes, from cron or a systemd timer:\n\n"
         "  homeward-requeue --from '/var/spool/mqueue/q*' --to '/var/spool/mqueue2/q*' --older "
         "1h\n\n"
         "What would it do:\n\n"
         "  homeward-requeue --from '/var/spool/mqueue/q*' --to '/var/spool/mqueue2/q*' --older 1h "
         "--dry-run"}}};

struct wishes {
  requeue_options options;
  std::string older;
  std::vector<std::string> cf;
  bool progress = false;
  bool json = false;
};

void add_options(CLI::App& app, wishes& w) {
  app.add_option("--from", w.options.from, "Queue directories of the first tier; quote the pattern")
      ->required()
      ->type_name("GLOB");
  app.add_option("--to", w.options.to, "Queue directories of the second tier")
      ->required()
      ->type_name("GLOB");
  app.add_option("--older", w.older, "Move what was accepted longer ago than this: 30m, 4h, 1d")
      ->required()
      ->type_name("DURATION");
  app.add_flag("--dry-run", w.options.dry_run,
               "Change nothing, print a table of what would happen");
  app.add_option("--limit", w.options.limit, "Move at most so many jobs")->type_name("NUMBER");
  app.add_flag(
      "--repair", w.options.repair,
      "Also remove bodies (df) that are older than a day and have no envelope in any queue");
  app.add_option("--cf", w.cf,
                 "With --repair: the queues that this sendmail.cf names may own such bodies too; "
                 "may be repeated (default /etc/mail/sendmail.cf, if it is there)")
      ->type_name("FILE");
  app.add_flag("--progress", w.progress, "Show how far it is");
  app.add_flag("--json", w.json, "Print the result as JSON");
}

// The queues that the sendmail.cf files name. The failure names the file.
result<std::vector<std::string>> queues_of(std::vector<std::string> files) {
  std::error_code ignored;
  if (files.empty() && std::filesystem::exists("/etc/mail/sendmail.cf", ignored)) {
    files = {"/etc/mail/sendmail.cf"};
  }
  std::vector<std::string> patterns;
  for (const std::string& file : files) {
    std::ifstream in(file, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    if (!in) {
      failure f = permanent_failure(failure_reason::perm, file + " cannot be read");
      f.advice = "Look at the path given with --cf.";
      return f;
    }
    for (const auto& group : mta_queue::queue_groups_of(text)) {
      patterns.push_back(group.pattern);
    }
  }
  return patterns;
}

nlohmann::json json_of(const requeue_report& r, bool dry_run) {
  const requeue_count all = r.total();
  nlohmann::json j = {{"dry_run", dry_run},
                      {"waiting", all.waiting},
                      {"moved", all.moved},
                      {"locked", all.locked},
                      {"young", all.young},
                      {"gone", all.gone},
                      {"skipped", all.skipped},
                      {"why_skipped", r.skipped.json()},
                      {"limit_reached", r.limit_reached}};
  j["from"] = nlohmann::json::array();
  for (const requeue_count& c : r.from) {
    j["from"].push_back({{"directory", c.directory},
                         {"waiting", c.waiting},
                         {"moved", c.moved},
                         {"locked", c.locked},
                         {"young", c.young},
                         {"skipped", c.skipped}});
  }
  j["to"] = nlohmann::json::array();
  for (const auto& [directory, came] : r.to) {
    j["to"].push_back({{"directory", directory}, {"moved", came}});
  }
  j["repair"] = {{"second_names_removed", r.repair.second_names},
                 {"bodies_removed", r.repair.orphans_removed},
                 {"bodies_without_envelope", r.repair.orphans_kept},
                 {"octets_freed", r.repair.octets_freed}};
  j["failures"] = nlohmann::json::array();
  for (const failure& f : r.failures) {
    j["failures"].push_back(describe(f));
  }
  return j;
}

void print_table(std::ostream& out, const requeue_report& r) {
  std::size_t width = 9;
  for (const requeue_count& c : r.from) {
    width = std::max(width, c.directory.size());
  }
  out << fmt::format("{:<{}}  {:>8}  {:>8}  {:>8}  {:>8}  {:>8}\n", "DIRECTORY", width, "WAITING",
                     "TO MOVE", "YOUNG", "LOCKED", "SKIPPED");
  for (const requeue_count& c : r.from) {
    out << fmt::format("{:<{}}  {:>8}  {:>8}  {:>8}  {:>8}  {:>8}\n", escape(c.directory, 400),
                       width, c.waiting, c.moved, c.young, c.locked, c.skipped);
  }
}

void print_repair(std::ostream& out, const mta_queue::repair_report& r, bool dry_run) {
  const char* did = dry_run ? "would remove" : "removed";
  if (r.second_names > 0) {
    out << fmt::format("{} {} second names of bodies that a killed run left behind\n", did,
                       r.second_names);
  }
  if (r.orphans_removed > 0) {
    out << fmt::format("{} {} bodies without an envelope, {} octets\n", did, r.orphans_removed,
                       r.octets_freed);
  }
}

void print_text(std::ostream& out, const requeue_report& r, const requeue_options& o) {
  if (o.dry_run) {
    print_table(out, r);
  }
  print_repair(out, r.repair, o.dry_run);
  r.skipped.print(out);
  const requeue_count all = r.total();
  out << fmt::format("{} {}, locked {}, young {}, skipped {}{}{}{}\n",
                     o.dry_run ? "would move" : "moved", all.moved, all.locked, all.young,
                     all.skipped, r.skipped.in_short(),
                     all.gone > 0 ? fmt::format(", gone {}", all.gone) : "",
                     r.limit_reached ? "; the limit was reached" : "");
}

exit_code perform(wishes& w) {
  const auto older = config::parse_duration(w.older);
  if (!older || *older < std::chrono::seconds(0)) {
    std::cerr << about.name << ": --older: \"" << escape(w.older, 80)
              << "\" is not a duration; write it as 30m, 4h or 1d\n";
    return exit_code::usage;
  }
  w.options.older = std::chrono::duration_cast<std::chrono::seconds>(*older);
  w.options.now = static_cast<std::int64_t>(std::time(nullptr));
  w.options.runner = ::geteuid();
  if (w.options.repair) {
    auto others = queues_of(w.cf);
    if (others.has_error()) {
      return report(std::cerr, about, others.error());
    }
    w.options.other_queues = std::move(*others);
  }
  fs::real_file_system files;
  progress shown(std::cerr, w.progress, ::isatty(STDERR_FILENO) != 0);
  const auto done = requeue(files, w.options, [&](std::uint64_t number, std::uint64_t of) {
    shown.show([&] { return fmt::format("{} of {} jobs looked at", number, of); });
  });
  shown.end();
  if (done.has_error()) {
    return report(std::cerr, about, done.error());
  }
  if (w.json) {
    std::cout << json_of(*done, w.options.dry_run)
                     .dump(2, ' ', false, nlohmann::json::error_handler_t::replace)
              << '\n';
  } else {
    print_text(std::cout, *done, w.options);
  }
  for (const failure& f : done->failures) {
    (void)report(std::cerr, about, f);
  }
  if (!done->failures.empty()) {
    return exit_code::unavailable;
  }
  return done->skipped.count() > 0 ? exit_code::left_over : exit_code::done;
}

} // namespace
} // namespace homeward::sendmail_cf

int main(int argc, char** argv) {
  using namespace homeward::sendmail_cf;
  CLI::App app(about.description, about.name);
  wishes w;
  add_options(app, w);
  if (const auto ended = parse(app, about, argc, argv)) {
    return *ended;
  }
  return static_cast<int>(perform(w));
}
