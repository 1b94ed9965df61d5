// The lines that sendmail.mc gets, and the queue directories they name.

#include <filesystem>

#include <fmt/format.h>

#include "admin/mta/marked_block.hpp"
#include "admin/mta/sendmail_driver.hpp"

namespace homeward::admin::mta {

namespace {

std::string define(const char* name, const std::string& value) {
  return fmt::format("define(`{}', `{}')dnl", name, value);
}

// "inet:127.0.0.1:2600" is "inet:2600@127.0.0.1" to sendmail.
std::string sendmail_socket(const std::string& place) {
  if (!place.starts_with("inet:")) {
    return place;
  }
  const auto colon = place.rfind(':');
  return fmt::format("inet:{}@{}", place.substr(colon + 1), place.substr(5, colon - 5));
}

} // namespace

std::string sendmail_driver::fragment(const char* name) const {
  return fmt::format("include(`{}/sendmail-cf/{}')dnl", settings_.fragments, name);
}

std::vector<std::string> sendmail_driver::feature_lines() const {
  const auto& s = settings_;
  if (domains_.empty()) {
    return {};
  }
  std::vector<std::string> lines;
  if (const std::string path = unix_path(s.sockets.lmtp); !path.empty()) {
    lines.push_back(define("HOMEWARD_SOCKET", path));
  } else if (!s.sockets.lmtp.empty()) {
    lines.push_back(define("HOMEWARD_PORT", s.sockets.lmtp.substr(s.sockets.lmtp.rfind(':') + 1)));
  }
  if (layout_ == layout_kind::local_domain) {
    lines.push_back(define("HOMEWARD_LOCAL_DOMAIN", domains_.front()));
    if (uses_list()) {
      lines.push_back(define("HOMEWARD_USERS_FILE", path("homeward-users")));
    }
  }
  const bool by_table = layout_ == layout_kind::mailertable;
  if (layout_ == layout_kind::rule0 || (by_table && s.doors.lookup)) {
    lines.push_back(define("HOMEWARD_DOMAINS_FILE", path("homeward-domains")));
  }
  if (s.doors.lookup && !s.sockets.lookup.empty()) {
    lines.push_back(define("HOMEWARD_LOOKUP_SOCKET", sendmail_socket(s.sockets.lookup)));
  }
  if (s.doors.milter && !s.sockets.milter.empty()) {
    lines.push_back(define("HOMEWARD_MILTER_SOCKET", sendmail_socket(s.sockets.milter)));
  }
  if (by_table && own_mailertable()) {
    lines.push_back(fmt::format("FEATURE(`mailertable', `hash -o {}')dnl", path("mailertable")));
  }
  if (by_table && cf_.map("access") == nullptr) {
    for (const auto& domain : s.domains) {
      lines.push_back(fmt::format("RELAY_DOMAIN(`{}')dnl", domain));
    }
  }
  // One limit for all mailers: long enough for other hosts (RFC 5321 4.5.3.2.6), above the
  // bridge's.
  lines.emplace_back("ifdef(`confTO_DATAFINAL',, `define(`confTO_DATAFINAL', `10m')')dnl");
  lines.push_back(fragment("feature/homeward.m4"));
  const std::pair<bool, const char*> wanted[] = {
      {layout_ == layout_kind::replace_local, "feature/homeward_local.m4"},
      {layout_ == layout_kind::rule0, "feature/homeward_rule0.m4"},
      {s.doors.lookup && layout_ != layout_kind::rule0, "feature/homeward_lookup.m4"},
      {s.doors.milter, "feature/homeward_milter.m4"},
      {s.handoff == handoff_kind::interactive, "feature/homeward_handoff.m4"}};
  for (const auto& [use, name] : wanted) {
    if (use) {
      lines.push_back(fragment(name));
    }
  }
  if (s.queues.directories > 0) {
    lines.push_back(define("HOMEWARD_QUEUE_PLACE", s.queues.base));
    lines.push_back(fragment("feature/homeward_queues.m4"));
  }
  if (s.tuning) {
    lines.push_back(fragment("feature/homeward_tuning.m4"));
  }
  return lines;
}

std::vector<std::string> sendmail_driver::mailer_lines() const {
  if (domains_.empty() || layout_ == layout_kind::replace_local) {
    return {};
  }
  return {fragment("mailer/homeward.m4")};
}

std::string sendmail_driver::with_trial_queues(const std::string& cf) const {
  const std::string base = staging_ + "/queue";
  std::error_code error;
  for (const char* group : {"/q1", "/store/q1", "/remote/q1"}) {
    std::filesystem::create_directories(base + group, error);
  }
  std::string trial;
  for (auto line : split_lines(cf)) {
    const bool names_queues = line.starts_with("O QueueDirectory") || line.starts_with('Q');
    if (const auto at = line.find(settings_.queues.base); names_queues && at != std::string::npos) {
      line.replace(at, settings_.queues.base.size(), base);
    }
    trial += line + '\n';
  }
  return trial;
}

void sendmail_driver::stage_queues(plan& p) const {
  const auto& q = settings_.queues;
  if (q.directories == 0) {
    return;
  }
  const auto add = [&p](const std::string& path) {
    std::error_code error;
    if (!std::filesystem::exists(path, error)) {
      p.directories.push_back({.path = path, .mode = 0700});
    }
  };
  for (const std::string& group : {std::string(), std::string("/store"), std::string("/remote")}) {
    if (!group.empty()) {
      add(q.base + group);
    }
    for (std::uint32_t i = 1; i <= q.directories; ++i) {
      add(fmt::format("{}{}/q{}", q.base, group, i));
    }
  }
  std::error_code error;
  std::uint64_t waiting = 0;
  for (const auto& entry : std::filesystem::directory_iterator(q.base, error)) {
    waiting += entry.path().filename().string().starts_with("qf") ? 1 : 0;
  }
  if (waiting > 0) {
    p.warnings.push_back(fmt::format("{} messages wait in {} itself, which sendmail no longer "
                                     "looks at then: deliver them with homeward-drain.",
                                     waiting, q.base));
  }
}

} // namespace homeward::admin::mta
