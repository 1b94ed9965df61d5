// homeward-drain: an old queue, taken apart into batches and delivered by runners of its own.
// docs/operations/queues.md.

#include <atomic>
#include <chrono>
#include <csignal>
#include <ctime>
#include <fstream>
#include <iostream>
#include <thread>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "lib/base/escape.hpp"
#include "lib/fs/real_file_system.hpp"
#include "lib/mta_queue/sendmail_settings.hpp"

#include "sendmail-cf/drain/drain.hpp"
#include "sendmail-cf/drain/runner.hpp"
#include "sendmail-cf/tool/command_line.hpp"
#include "sendmail-cf/tool/progress.hpp"

namespace homeward::sendmail_cf {
namespace {

const tool about = {
    .name = "homeward-drain",
    .summary = "delivers an old queue of sendmail in batches",
    .description =
        "A queue directory with many thousand jobs is slow: every run lists all of it, and one "
        "slow "
        "destination holds up the rest. This program takes the jobs out of it, the oldest first, "
        "puts them in batches into queue directories of their own on the same file system, and "
        "lets a queue runner work on several of them at once. What could not be delivered goes "
        "back into the old queue. Every job is tried once.\n\n"
        "The daemons of sendmail may go on working on the old queue: jobs are locked while they "
        "are moved. The program may be killed at any moment; started again with the same options "
        "it goes on with the batches that are there. Every job is moved by the safe order of "
        "homeward-requeue(8).",
    .manual = {
        {"THE RUNNER",
         "The command of --runner is run by /bin/sh; {} stands for the directory of the batch. It "
         "has to end when it has tried every job. Without --runner it is sendmail with the file of "
         "--cf. That file must not have queue groups with paths of their own: sendmail then "
         "refuses "
         "another queue directory, and the program says so before it moves anything.\n\n"
         "SIGTERM and SIGINT let the runners end after the message at hand, put back what is left "
         "and end."},
        {"EXIT STATUS",
         "0: every job was tried, and nothing was left out.\n\n"
         "1: some jobs went back, are locked or were skipped; what to do is printed. Also when it "
         "was interrupted.\n\n"
         "64: wrong options.\n\n"
         "75: a runner failed, or a directory or the disk; every job is where it can be "
         "delivered.\n\n"
         "78: what was asked cannot be done here, for example a working directory on another file "
         "system, or a sendmail.cf with queue groups."},
        {"EXAMPLES",
         "What is there:\n\n"
         "  homeward-drain --from /var/spool/mqueue.old --dry-run\n\n"
         "Four batches of 300 at once:\n\n"
         "  homeward-drain --from /var/spool/mqueue.old --progress\n\n"
         "With a sendmail.cf without queue groups, eight at once:\n\n"
         "  homeward-drain --from '/var/spool/mqueue/q*' --cf /etc/mail/drain.cf --parallel 8"}}};

struct wishes {
  drain_options options = {.from = {}, .work = "/var/spool/homeward-drain"};
  std::string cf = "/etc/mail/sendmail.cf";
  std::string runner;
  bool dry_run = false;
  bool progress = false;
  bool json = false;
};

std::atomic<bool> interrupted{false};

extern "C" void note_interruption(int /*signal*/) {
  interrupted = true;
}

void add_options(CLI::App& app, wishes& w) {
  app.add_option("--from", w.options.from, "Directories of the old queue; quote the pattern")
      ->required()
      ->type_name("GLOB");
  app.add_option("--work", w.options.work,
                 "Where the batches are made, on the same file system; made and removed again")
      ->type_name("DIRECTORY")
      ->capture_default_str();
  app.add_option("--batch", w.options.batch, "Jobs in a batch")
      ->type_name("NUMBER")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  app.add_option("--parallel", w.options.parallel, "Batches at once")
      ->type_name("NUMBER")
      ->capture_default_str()
      ->check(CLI::Range(1, 256));
  app.add_option("--limit", w.options.limit, "Try at most so many jobs")->type_name("NUMBER");
  app.add_option("--cf", w.cf, "The sendmail.cf of the runner; without queue groups")
      ->type_name("FILE")
      ->capture_default_str();
  app.add_option("--runner", w.runner,
                 "Another command that delivers a batch; {} stands for its directory")
      ->type_name("COMMAND");
  app.add_flag("--dry-run", w.dry_run, "Change nothing, say what there is to do");
  app.add_flag("--progress", w.progress, "Show how far it is");
  app.add_flag("--json", w.json, "Print the result as JSON");
}

std::string default_runner(const std::string& cf) {
  // Its queue directories are not those of the daemons, whose shared memory does not fit.
  return "/usr/sbin/sendmail -C " + runner_command("{}", cf) +
         " -L homeward-drain -OQueueDirectory={} -OMinQueueAge=0 -OMaxQueueAge=0 "
         "-OSharedMemoryKey=0 -qf";
}

failure unusable(std::string what, std::string advice) {
  failure f = permanent_failure(failure_reason::perm, std::move(what));
  f.advice = std::move(advice);
  return f;
}

// The command for the batches; a failure when it cannot work.
result<std::string> runner_of(const wishes& w) {
  if (!w.runner.empty()) {
    if (w.runner.find(directory_mark) == std::string::npos) {
      return unusable("the command of --runner does not say where the batch is",
                      "Write {} in the place of the directory: -OQueueDirectory={}");
    }
    return w.runner;
  }
  std::ifstream in(w.cf, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  if (!in) {
    return unusable(w.cf + " cannot be read",
                    "Name the sendmail.cf of the runner with --cf, or a command with --runner.");
  }
  if (mta_queue::has_fixed_queue_paths(text)) {
    return unusable(w.cf + " has queue groups with paths: sendmail refuses another queue directory "
                           "with it",
                    "Give --cf a file made without QUEUE_GROUP lines that have Path=, or a command "
                    "with --runner.");
  }
  return default_runner(w.cf);
}

std::string text_of(const drain_report& r) {
  return fmt::format("{} of {} jobs tried in {} batches ({} at work): delivered {}, put back {}, "
                     "locked {}, skipped {}{}",
                     r.tried, r.waiting + r.resumed, r.batches, r.running, r.delivered, r.put_back,
                     r.locked, r.skipped.count(), r.skipped.in_short());
}

exit_code print_plan(const wishes& w, const std::string& runner, const drain_plan& plan) {
  const std::uint64_t batches = (plan.jobs + w.options.batch - 1) / w.options.batch;
  if (w.json) {
    nlohmann::json j = {{"dry_run", true}, {"waiting", plan.jobs}, {"batches", batches}};
    j["runner"] = runner_command(runner, w.options.work + "/b1");
    std::cout << j.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    return exit_code::done;
  }
  for (const auto& [path, jobs] : plan.from) {
    std::cout << fmt::format("{:>8} jobs in {}\n", jobs, escape(path, 400));
  }
  for (const auto& [path, jobs] : plan.left) {
    std::cout << fmt::format("{:>8} jobs in {}, of a drain that did not end\n", jobs,
                             escape(path, 400));
  }
  std::cout << fmt::format("would try {} jobs in {} batches, {} at once, each with\n  {}\n",
                           plan.jobs, batches, w.options.parallel,
                           escape(runner_command(runner, w.options.work + "/b1"), 1000));
  return exit_code::done;
}

nlohmann::json json_of(const drain_report& r) {
  nlohmann::json j = {{"waiting", r.waiting},     {"resumed", r.resumed},
                      {"batches", r.batches},     {"tried", r.tried},
                      {"delivered", r.delivered}, {"put_back", r.put_back},
                      {"locked", r.locked},       {"skipped", r.skipped.json()},
                      {"kept", r.kept},           {"interrupted", r.interrupted}};
  j["runner_status"] = r.runner_status ? nlohmann::json(*r.runner_status) : nlohmann::json(nullptr);
  j["failures"] = nlohmann::json::array();
  for (const failure& f : r.failures) {
    j["failures"].push_back(describe(f));
  }
  return j;
}

void print_trouble(const drain_report& r, const std::string& runner) {
  r.skipped.print(std::cerr);
  for (const std::string& path : r.kept) {
    std::cerr << fmt::format("{}: {} is not empty and stays\n  Another process works on it, or it "
                             "holds bodies without an envelope: run the program again later.\n",
                             about.name, escape(path, 400));
  }
  for (const failure& f : r.failures) {
    (void)report(std::cerr, about, f);
  }
  if (r.runner_status) {
    std::cerr << fmt::format(
        "{}: the runner ended with {} and delivered nothing; no more batches were made\n"
        "  It was: {}\n  Run it by hand over a copy of one job, and look at the mail log.\n",
        about.name, *r.runner_status, escape(runner, 1000));
  }
}

exit_code ending(const drain_report& r) {
  if (!r.failures.empty() || r.runner_status) {
    return exit_code::unavailable;
  }
  const bool all = r.put_back == 0 && r.locked == 0 && r.skipped.count() == 0 && r.kept.empty();
  return all && !r.interrupted ? exit_code::done : exit_code::left_over;
}

exit_code perform(wishes& w) {
  const auto runner = runner_of(w);
  if (runner.has_error()) {
    return report(std::cerr, about, runner.error());
  }
  w.options.now = static_cast<std::int64_t>(std::time(nullptr));
  w.options.runner = ::geteuid();
  fs::real_file_system files;
  if (w.dry_run) {
    const auto plan = plan_drain(files, w.options);
    return plan.has_error() ? report(std::cerr, about, plan.error())
                            : print_plan(w, *runner, *plan);
  }
  (void)std::signal(SIGTERM, note_interruption);
  (void)std::signal(SIGINT, note_interruption);
  progress shown(std::cerr, w.progress, ::isatty(STDERR_FILENO) != 0);
  const drain_world world = {
      .start =
          [&](const std::string& place) { return start_runner(runner_command(*runner, place)); },
      .ended = ended,
      .stop = ask_to_end,
      .pause = [] { std::this_thread::sleep_for(std::chrono::milliseconds(100)); },
      .is_interrupted = [] { return interrupted.load(); }};
  const auto done = drain(files, w.options, world,
                          [&](const drain_report& r) { shown.show([&] { return text_of(r); }); });
  shown.end();
  if (done.has_error()) {
    return report(std::cerr, about, done.error());
  }
  if (w.json) {
    std::cout << json_of(*done).dump(2, ' ', false, nlohmann::json::error_handler_t::replace)
              << '\n';
  } else {
    std::cout << text_of(*done) << (done->interrupted ? "; interrupted" : "") << '\n';
  }
  print_trouble(*done, *runner);
  return ending(*done);
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
