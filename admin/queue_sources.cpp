#include "admin/queue_sources.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "lib/base/escape.hpp"
#include "lib/mta_queue/postfix_queue.hpp"
#include "lib/mta_queue/queue_directory.hpp"
#include "lib/mta_queue/queue_scan.hpp"
#include "lib/mta_queue/sendmail_settings.hpp"

#include "admin/mta/program_run.hpp"

namespace homeward::admin {

namespace {

constexpr const char* default_cf = "/etc/mail/sendmail.cf";
constexpr const char* farm_directory = "/etc/mail/homeward-farm";
constexpr const char* default_postfix = "/etc/postfix";
constexpr std::chrono::seconds longest_answer{120};

bool exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

std::string trimmed(std::string text) {
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  text.erase(0, std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  return text;
}

// "tier1" of the farm's tier1.cf; of the host's own file only the group counts.
std::string label_of(const std::string& cf, const std::string& group) {
  const std::string stem = std::filesystem::path(cf).stem().string();
  if (stem == "sendmail") {
    return group;
  }
  return group == "mqueue" ? stem : stem + '/' + group;
}

result<void> add_cf(const std::string& cf, std::vector<sendmail_queue>& into) {
  std::ifstream in(cf, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  if (!in) {
    failure f = permanent_failure(failure_reason::perm, cf + " cannot be read");
    f.advice = "Look at the path, and run homewardctl as root.";
    return f;
  }
  for (const auto& group : mta_queue::queue_groups_of(text)) {
    into.push_back({.label = label_of(cf, group.name), .pattern = group.pattern});
  }
  return {};
}

// The tiers first: the acceptor puts its mail where tier 1 delivers it.
std::vector<std::string> cfs_of_this_host() {
  std::vector<std::string> found;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(farm_directory, ignored)) {
    if (entry.path().extension() == ".cf") {
      found.push_back(entry.path().string());
    }
  }
  std::sort(found.begin(), found.end(), std::greater<>());
  std::stable_partition(found.begin(), found.end(), [](const std::string& path) {
    return path.find("acceptor") == std::string::npos;
  });
  const auto tiers = std::find_if(found.begin(), found.end(), [](const std::string& path) {
    return path.find("acceptor") != std::string::npos;
  });
  std::sort(found.begin(), tiers);
  if (exists(default_cf)) {
    found.emplace_back(default_cf);
  }
  return found;
}

// The configuration directories that `postmulti -l` prints in its last column.
std::vector<std::string> instances_of_this_host() {
  if (!exists(std::string(default_postfix) + "/main.cf")) {
    return {};
  }
  std::vector<std::string> found;
  const auto listed = mta::run_program({"postmulti", "-l"});
  if (listed.has_value() && listed->status == 0) {
    std::istringstream lines(listed->output);
    for (std::string line; std::getline(lines, line);) {
      const std::string directory = trimmed(line.substr(line.find_last_of(" \t") + 1));
      if (directory.starts_with('/')) {
        found.push_back(directory);
      }
    }
  }
  return found.empty() ? std::vector<std::string>{default_postfix} : found;
}

// One setting of an instance; empty when postconf does not answer.
std::string setting(const std::string& config_directory, const std::string& name) {
  const auto said = mta::run_program({"postconf", "-c", config_directory, "-h", name});
  return said.has_value() && said->status == 0 ? trimmed(said->output) : std::string{};
}

} // namespace

result<queue_sources> find_queues(const queue_options& options) {
  queue_sources found;
  for (const std::string& pattern : options.sendmail_queues) {
    found.sendmail.push_back({.label = "sendmail", .pattern = pattern});
  }
  const bool search =
      options.sendmail_queues.empty() && options.sendmail_cfs.empty() && options.postfix.empty();
  for (const std::string& cf : search ? cfs_of_this_host() : options.sendmail_cfs) {
    if (auto added = add_cf(cf, found.sendmail); added.has_error()) {
      return added.error();
    }
  }
  found.postfix = search ? instances_of_this_host() : options.postfix;
  if (found.sendmail.empty() && found.postfix.empty()) {
    failure f = permanent_failure(failure_reason::perm, "no queue is known");
    f.advice = fmt::format("There is no queue in {}, {}/*.cf or {}: name one with "
                           "--sendmail-queue, --sendmail-cf or --postfix.",
                           default_cf, farm_directory, default_postfix);
    return f;
  }
  return found;
}

result<void> count_sendmail(fs::file_system& files, const sendmail_queue& queue,
                            std::vector<std::string>& seen, mta_queue::queue_summary& into) {
  const auto paths = mta_queue::expand_pattern(files, queue.pattern);
  if (paths.has_error()) {
    return paths.error();
  }
  for (const std::string& path : *paths) {
    if (std::find(seen.begin(), seen.end(), path) != seen.end()) {
      continue;
    }
    seen.push_back(path);
    const auto directory = mta_queue::queue_directory::open(files, path);
    if (directory.has_error()) {
      return directory.error();
    }
    into.add_directory(queue.label, path);
    const auto scanned = mta_queue::scan_queue(files, *directory, queue.label,
                                               [&](mta_queue::waiting_message m) { into.add(m); });
    if (scanned.has_error()) {
      return scanned.error();
    }
  }
  return {};
}

result<void> count_postfix(const std::string& config_directory, mta_queue::queue_summary& into) {
  const auto said =
      mta::run_program({"postqueue", "-c", config_directory, "-j"}, {.limit = longest_answer});
  if (said.has_error() || said->status != 0) {
    failure f = transient_failure(
        fmt::format("the queue of the Postfix in {} cannot be read", config_directory),
        said.has_error() ? describe(said.error()) : mta::words_of(*said));
    f.advice = "Run homewardctl as root, and look at `postfix -c " + config_directory + " status`.";
    return f;
  }
  std::string spool = setting(config_directory, "queue_directory");
  std::string instance = setting(config_directory, "multi_instance_name");
  spool = spool.empty() ? config_directory : spool;
  instance = instance.empty() ? "postfix" : instance;
  for (const char* queue : {"active", "deferred"}) {
    into.add_directory(instance, spool + '/' + queue);
  }
  std::istringstream lines(said->output);
  for (std::string line; std::getline(lines, line);) {
    const auto message = mta_queue::parse_postqueue_line(line, spool, instance);
    if (message.has_error()) {
      failure f = message.error();
      f.cause = escape(line, 200);
      f.advice = "This homewardctl and this Postfix do not understand each other: look at "
                 "`postqueue -p` instead.";
      return f;
    }
    into.add(*message);
  }
  return {};
}

} // namespace homeward::admin
