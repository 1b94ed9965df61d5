// The traps of a sendmail configuration.

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <sys/stat.h>

#include <fmt/format.h>

#include "admin/mta/check_common.hpp"
#include "admin/mta/file_image.hpp"
#include "admin/mta/marked_block.hpp"
#include "admin/mta/sendmail_driver.hpp"

namespace homeward::admin::mta {

namespace {

using findings = std::vector<finding>;
namespace stdfs = std::filesystem;

std::vector<std::string> names_in(const std::string& list) {
  std::vector<std::string> names(1);
  for (const char c : list) {
    if (c == ',') {
      names.emplace_back();
    } else if (c != ' ') {
      names.back() += c;
    }
  }
  std::erase(names, std::string());
  return names;
}

bool speaks_lmtp(const cf_definition& mailer) {
  return mailer.field("P") == "[IPC]" && mailer.field("F").find('z') != std::string::npos;
}

void check_filters(const sendmail_cf& cf, findings& into) {
  const auto order = names_in(cf.option("InputMailFilters"));
  for (const auto& filter : cf.filters) {
    const bool ours = filter.name == "homeward";
    const std::string flags = filter.field("F");
    if (flags.empty()) {
      into.push_back({ours ? severity::error : severity::warning, "filter-without-T",
                      fmt::format("The mail filter {} has no F=", filter.name),
                      "While it is away mail passes unfiltered; for ours: strangers' mail comes in "
                      "and is bounced later.",
                      fmt::format("Write F=T into INPUT_MAIL_FILTER(`{}'): clients are told to "
                                  "come again.",
                                  filter.name)});
    } else if (ours && flags.find('T') == std::string::npos) {
      into.push_back({severity::error, "filter-without-T",
                      fmt::format("The mail filter homeward has F={}", flags),
                      "While it is away good mail is refused for good.", "Write F=T."});
    }
    if (ours && !order.empty() && order.back() != "homeward") {
      into.push_back({severity::warning, "milter-not-last",
                      fmt::format("The filter {} comes behind ours", order.back()),
                      "It can refuse what ours has let in and counted.", "Put ours last."});
    }
  }
}

void check_acceptor(const sendmail_cf& cf, const std::string& text, findings& into) {
  const std::string mode = cf.option("DeliveryMode");
  const bool checks = text.find("SHomewardRcpt") != std::string::npos ||
                      text.find("{HomewardDomains}") != std::string::npos ||
                      std::any_of(cf.filters.begin(), cf.filters.end(),
                                  [](const cf_definition& f) { return f.name == "homeward"; });
  if (mode.starts_with('d') && !checks) {
    into.push_back({severity::error, "deferred-acceptor",
                    "DeliveryMode=deferred, and nobody checks recipients",
                    "This mode skips aliases and accounts at RCPT: unknown users are accepted and "
                    "bounced later, to forged senders too.",
                    "Use queueonly, or turn on doors.milter or doors.lookup."});
  }
  if (cf.option("SuperSafe") == "interactive" && !mode.starts_with('i')) {
    into.push_back({severity::warning, "supersafe-interactive",
                    fmt::format("SuperSafe=interactive with DeliveryMode={}", mode),
                    "sendmail only warns and syncs as ever: nothing is gained.",
                    "Set DeliveryMode=interactive as well."});
  }
  if (mode.starts_with('i')) {
    const auto buffer = mta_number(cf.option("DataFileBufferSize"));
    if (!buffer || *buffer < 65536) {
      into.push_back({severity::advice, "small-buffer",
                      "DeliveryMode=interactive with a small DataFileBufferSize",
                      "Most bodies are written to a file all the same.",
                      "Set confDF_BUFFER_SIZE to 1048576."});
    }
  }
}

void check_local_mailer(const sendmail_cf& cf, const settings& s, findings& into) {
  const auto* local = cf.mailer("local");
  if (local == nullptr) {
    return;
  }
  const std::string flags = local->field("F");
  const bool accounts = flags.find('w') != std::string::npos;
  if (speaks_lmtp(*local) && accounts) {
    into.push_back({severity::error, "flag-w", "The local mailer speaks LMTP and has flag w",
                    "Who has no account on this host is answered 550, and mail to him bounces.",
                    "MODIFY_MAILER_FLAGS(`LOCAL', `-w') (feature/homeward_local.m4 does it)."});
  }
  if (speaks_lmtp(*local) && flags.find('m') == std::string::npos) {
    into.push_back({severity::warning, "flag-m", "The local mailer speaks LMTP and lacks flag m",
                    "Each recipient of a message gets a transaction, and each store a copy. "
                    "OSTYPE(debian) took the flag away.",
                    "MODIFY_MAILER_FLAGS(`LOCAL', `+m')."});
  }
  if (!accounts) {
    for (const auto& account : read_accounts(s.accounts)) {
      std::error_code error;
      const auto forward = stdfs::path(account.home) / ".forward";
      if (stdfs::is_regular_file(forward, error)) {
        into.push_back({severity::warning, "forward-ended",
                        fmt::format("{} is not read any more", forward.string()),
                        "Without flag w of the local mailer sendmail looks at no .forward.",
                        "Turn it into an alias, or leave this user with the old mailer "
                        "(HOMEWARD_USERS_FILE)."});
      }
    }
  }
}

std::optional<std::uint64_t> optional_number(const std::string& text) {
  return mta_number(text);
}

void check_limits(const sendmail_cf& cf, const settings& s, findings& into) {
  const auto* local = cf.mailer("local");
  const auto* mailer = cf.mailer("homeward");
  if (mailer == nullptr && local != nullptr && speaks_lmtp(*local)) {
    mailer = local;
  }
  if (mailer == nullptr) {
    return;
  }
  if (const std::string directory = cf.option("HostStatusDirectory"); !directory.empty()) {
    into.push_back({severity::warning, "host-status",
                    fmt::format("HostStatusDirectory is {}", directory),
                    "After one failed connect sendmail leaves the bridge alone for half an hour "
                    "(Timeout.hoststatus).",
                    "undefine(`confHOST_STATUS_DIRECTORY') (feature/homeward.m4 does it)."});
  }
  const std::string size = cf.option("MaxMessageSize");
  mta_limits limits;
  limits.message_size_name = "MaxMessageSize";
  limits.message_size = size.empty() ? std::optional<std::uint64_t>(0) : optional_number(size);
  limits.recipients_name = fmt::format("r= of the mailer {}", mailer->name);
  limits.recipients = optional_number(mailer->field("r"));
  const std::string wait = cf.option("Timeout.datafinal");
  limits.wait_name = "Timeout.datafinal";
  limits.wait = wait.empty() ? std::chrono::seconds(3600) : mta_duration(wait, 60);
  if (limits.wait && *limits.wait >= std::chrono::seconds(3600)) {
    into.push_back({severity::warning, "long-datafinal", "Timeout.datafinal is an hour or more",
                    "A delivery process hangs that long on a bridge whose host has vanished.",
                    "define(`confTO_DATAFINAL', `10m') (180s where nothing is sent elsewhere)."});
  }
  if (const auto bridge = ask_bridge(s, into)) {
    compare_limits(limits, *bridge, into);
  }
}

// "/var/spool/mqueue/q*": the directories behind it, or the path itself.
std::vector<stdfs::path> queue_directories(const std::string& pattern) {
  if (!pattern.ends_with('*')) {
    return {pattern};
  }
  const stdfs::path place = stdfs::path(pattern).parent_path();
  std::string prefix = stdfs::path(pattern).filename().string();
  prefix.pop_back();
  std::vector<stdfs::path> found;
  std::error_code error;
  for (const auto& entry : stdfs::directory_iterator(place, error)) {
    if (entry.path().filename().string().starts_with(prefix)) {
      found.push_back(entry.path());
    }
  }
  return found;
}

std::uint64_t messages_in(const stdfs::path& directory) {
  std::uint64_t count = 0;
  std::error_code error;
  for (const auto& entry : stdfs::directory_iterator(directory, error)) {
    count += entry.path().filename().string().starts_with("qf") ? 1 : 0;
  }
  return count;
}

void check_queue(const std::string& name, const std::string& pattern, findings& into) {
  const auto directories = queue_directories(pattern);
  const stdfs::path above = stdfs::path(pattern).parent_path();
  if (directories.empty()) {
    into.push_back({severity::error, "queue-missing",
                    fmt::format("No directory fits {} ({})", pattern, name),
                    "sendmail does not start.", "Make the directories, mode 0700, owner root."});
  }
  for (const auto& directory : directories) {
    struct stat status {};
    if (::stat(directory.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
      into.push_back({severity::error, "queue-wildcard",
                      fmt::format("{} fits {} and is no directory", directory.string(), pattern),
                      "sendmail takes everything that fits for a queue.", "Move it elsewhere."});
    } else if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
      into.push_back({severity::error, "queue-mode",
                      fmt::format("The queue {} can be written by others", directory.string()),
                      "sendmail does not trust the queue files in it.",
                      fmt::format("chmod 0700 {}", directory.string())});
    }
  }
  if (pattern.ends_with('*') && messages_in(above) > 0) {
    into.push_back({severity::error, "queue-left-behind",
                    fmt::format("{} messages lie in {} itself", messages_in(above), above.string()),
                    fmt::format("The queue is {}: nobody looks at them.", pattern),
                    "Deliver them with homeward-drain."});
  }
}

void check_queues(const sendmail_cf& cf, findings& into) {
  const std::string base = cf.option("QueueDirectory");
  if (!base.empty()) {
    check_queue("QueueDirectory", base, into);
  }
  const auto above = stdfs::path(base).parent_path();
  const std::string root = base.ends_with('*') ? above.string() : base;
  for (const auto& group : cf.groups) {
    const std::string pattern = group.field("P").empty() ? group.field("Path") : group.field("P");
    if (pattern.empty()) {
      continue;
    }
    if (pattern != base) {
      check_queue(fmt::format("queue group {}", group.name), pattern, into);
    }
    if (!root.empty() && !pattern.starts_with(root)) {
      into.push_back(
          {severity::error, "queue-group-outside",
           fmt::format("The queue group {} lies at {}, outside of {}", group.name, pattern, root),
           "sendmail refuses to start: \"QueuePath not subpath of QueueDirectory\".",
           "Put all groups below one directory."});
    }
    const std::string runners = group.field("R") + group.field("Runners");
    const std::string interval = group.field("I") + group.field("Interval");
    if (!runners.empty() && interval.empty()) {
      into.push_back({severity::advice, "queue-group-interval",
                      fmt::format("The queue group {} has Runners= and no Interval=", group.name),
                      "MaxQueueChildren and Runners= do not limit a daemon started with -q10s "
                      "then: each run starts new processes.",
                      "Give the group an Interval=, or start the runner with -qp."});
    }
  }
}

void check_sockets(const sendmail_cf& cf, findings& into) {
  for (const auto& mailer : cf.mailers) {
    const std::string call = mailer.field("A");
    if (mailer.field("P") == "[IPC]" && call.starts_with("FILE ")) {
      check_socket(fmt::format("the mailer {}", mailer.name), call.substr(5, call.find(' ', 5) - 5),
                   into);
    }
  }
  for (const auto& filter : cf.filters) {
    const std::string place = filter.field("S");
    if (place.starts_with("unix:") || place.starts_with("local:")) {
      check_socket(fmt::format("the mail filter {}", filter.name),
                   place.substr(place.find(':') + 1), into);
    }
  }
  for (const auto& map : cf.maps) {
    const auto at = map.rest.find("unix:");
    if (map.type == "socket" && at != std::string::npos) {
      check_socket(fmt::format("the map {}", map.name), map.rest.substr(at + 5), into);
    }
  }
}

// Since the fix of CVE-2023-51765 bare CR and LF are refused; srv_features can turn that off.
void check_bare_newline(const sendmail_cf& cf, findings& into) {
  const auto* access = cf.map("access");
  if (access == nullptr || access->file().empty()) {
    return;
  }
  const auto table = read_image(access->file());
  for (const auto& line : split_lines(table ? table->text : "")) {
    const std::string key = table_key(line);
    if (!key.starts_with("srv_features:")) {
      continue;
    }
    std::istringstream in(line.substr(key.size()));
    for (std::string flag; in >> flag;) {
      if (flag == "U" || flag == "G" || flag == "O" || flag == "F") {
        into.push_back({severity::warning, "bare-newline",
                        fmt::format("access turns the check of bare line ends off: {}", line),
                        "A client can smuggle a second message behind a first one "
                        "(CVE-2023-51765).",
                        "Use u2 and g2 for your own networks only: they replace what is bare."});
      }
    }
  }
}

} // namespace

result<std::vector<finding>> sendmail_driver::check() {
  const auto text = read_image(path("sendmail.cf"));
  if (!text) {
    return text.error();
  }
  const auto cf = parse_cf(text->text);
  findings found;
  check_filters(cf, found);
  check_acceptor(cf, text->text, found);
  check_local_mailer(cf, settings_, found);
  check_limits(cf, settings_, found);
  check_queues(cf, found);
  check_sockets(cf, found);
  check_bare_newline(cf, found);
  return found;
}

} // namespace homeward::admin::mta
