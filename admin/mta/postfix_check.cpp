// The traps of a Postfix configuration.

#include <algorithm>

#include <fmt/format.h>

#include "admin/mta/check_common.hpp"
#include "admin/mta/postfix_driver.hpp"
#include "admin/mta/value_list.hpp"

namespace homeward::admin::mta {

namespace {

using findings = std::vector<finding>;

// A value with its default; "" when it cannot be had (an older Postfix does not know it).
std::string value_of(const postfix_config& c, const std::string& name) {
  const auto value = c.value(name);
  return value ? *value : "";
}

// Which of the filters is ours: it names our directory, or the socket of the settings.
bool is_ours(const std::string& word, const settings& s) {
  return word.find("homeward/") != std::string::npos ||
         (!s.sockets.milter.empty() && word.find(s.sockets.milter) != std::string::npos);
}

void check_milters(const postfix_config& c, const settings& s, findings& into) {
  const auto filters = list_words(value_of(c, "smtpd_milters"));
  const auto ours = std::find_if(filters.begin(), filters.end(),
                                 [&](const std::string& word) { return is_ours(word, s); });
  if (ours == filters.end()) {
    return;
  }
  const bool own_action = ours->find("default_action") != std::string::npos;
  const bool accepts = own_action ? ours->find("default_action=accept") != std::string::npos ||
                                        ours->find("default_action = accept") != std::string::npos
                                  : value_of(c, "milter_default_action") == "accept";
  if (accepts) {
    into.push_back({severity::error, "milter-default-accept",
                    "While homeward-milter is away everything is accepted",
                    "Strangers' mail comes in then and is bounced later, to forged senders too.",
                    "Give our entry of smtpd_milters default_action=tempfail, or set "
                    "milter_default_action = tempfail."});
  }
  if (ours + 1 != filters.end()) {
    into.push_back({severity::warning, "milter-not-last",
                    fmt::format("{} comes behind our filter in smtpd_milters", *(ours + 1)),
                    "A filter behind ours can refuse what ours has let in and counted, and ours "
                    "does not see what it changes.",
                    "Put ours last."});
  }
}

void check_doors(const postfix_config& c, findings& into) {
  for (const char* list : {"smtpd_recipient_restrictions", "smtpd_relay_restrictions"}) {
    const auto words = list_words(value_of(c, list));
    const auto permit = std::find(words.begin(), words.end(), "permit");
    const bool behind = std::any_of(permit, words.end(), [](const std::string& word) {
      return word.find("homeward/policy") != std::string::npos;
    });
    if (behind) {
      into.push_back({severity::error, "policy-not-reached",
                      fmt::format("In {} our policy server stands behind `permit`", list),
                      "It is never asked.", "Put it in front of `permit`."});
    }
  }
  const std::string action = value_of(c, "smtpd_policy_service_default_action");
  if (action.starts_with("DUNNO") || action.starts_with("OK") || action.starts_with("dunno")) {
    into.push_back({severity::warning, "policy-default-accept",
                    fmt::format("smtpd_policy_service_default_action = {}", action),
                    "While a policy server is away everything passes it.",
                    "Leave it at 451, at least for ours."});
  }
}

void check_bare_newline(const postfix_config& c, findings& into) {
  const std::string forbid = value_of(c, "smtpd_forbid_bare_newline");
  if (forbid == "no") {
    into.push_back({severity::warning, "bare-newline", "smtpd_forbid_bare_newline = no",
                    "A client can smuggle a second message behind a first one, with a forged "
                    "sender that passes all checks (CVE-2023-51764).",
                    "Set smtpd_forbid_bare_newline = normalize and "
                    "smtpd_forbid_bare_newline_exclusions = $mynetworks."});
  } else if (forbid == "yes") {
    into.push_back({severity::advice, "bare-newline", "smtpd_forbid_bare_newline = yes",
                    "Clients with bare line ends are disconnected, old machines of your own too.",
                    "normalize accepts their mail and is as safe."});
  }
}

void check_transport(const postfix_config& c, const settings& s, findings& into) {
  const std::string service = "homeward/unix";
  const auto services = c.services();
  const bool there = services && std::any_of(services->begin(), services->end(),
                                             [&](const auto& x) { return x.name == service; });
  if (!there) {
    return;
  }
  const auto own = [&](const char* name) {
    const auto value = c.service_value(service, name);
    return value ? *value : std::string();
  };
  if (own("lmtp_line_length_limit") != "0") {
    into.push_back({severity::error, "line-length",
                    fmt::format("lmtp_line_length_limit of the service homeward is {}",
                                own("lmtp_line_length_limit")),
                    "Longer lines are folded: the message is changed and its signatures break.",
                    "postconf -P homeward/unix/lmtp_line_length_limit=0"});
  }
  if (own("lmtp_send_xforward_command") != "yes") {
    into.push_back({severity::warning, "xforward",
                    "lmtp_send_xforward_command of the service homeward is not yes",
                    "The bridge does not see the queue id, by which it knows a repeat.",
                    "postconf -P homeward/unix/lmtp_send_xforward_command=yes"});
  }
  if (const std::string limit = value_of(c, "homeward_destination_concurrency_failed_cohort_limit");
      limit != "0") {
    into.push_back({severity::warning, "cohort-limit",
                    fmt::format("homeward_destination_concurrency_failed_cohort_limit is {}",
                                limit.empty() ? "1" : limit),
                    "After some failed connects Postfix suspends all mail for the bridge.",
                    "Set it to 0."});
  }
  if (value_of(c, "enable_long_queue_ids") != "yes") {
    into.push_back({severity::warning, "short-queue-ids", "enable_long_queue_ids is not yes",
                    "Short queue ids come back after a while, and a repeat is known by them.",
                    "Set enable_long_queue_ids = yes."});
  }
  mta_limits limits;
  limits.message_size_name = "message_size_limit";
  limits.message_size = mta_number(value_of(c, "message_size_limit"));
  limits.wait_name = "lmtp_data_done_timeout of the service homeward";
  limits.wait = mta_duration(own("lmtp_data_done_timeout"), 1);
  limits.recipients_name = "homeward_destination_recipient_limit";
  limits.recipients = mta_number(value_of(c, "homeward_destination_recipient_limit"));
  if (!limits.recipients) {
    limits.recipients = mta_number(value_of(c, "default_destination_recipient_limit"));
  }
  if (const auto bridge = ask_bridge(s, into)) {
    compare_limits(limits, *bridge, into);
  }
}

void check_aliases(const postfix_config& c, findings& into) {
  const std::string local = value_of(c, "local_transport");
  const bool bypassed = local.starts_with("lmtp:") || local.starts_with("homeward:");
  if (bypassed && !value_of(c, "alias_maps").empty()) {
    into.push_back({severity::warning, "aliases-unused",
                    fmt::format("local_transport = {} and alias_maps is set", local),
                    "Aliases are local(8)'s: they are not applied, and neither is .forward.",
                    "Move them to virtual_alias_maps, or use mailbox_transport."});
  }
  if (value_of(c, "mailbox_transport").starts_with("homeward:")) {
    into.push_back({severity::advice, "mailbox-transport",
                    "mailbox_transport hands mail to the bridge",
                    "Each recipient gets a connection and a transaction of its own.",
                    "A transport table hands over many recipients at once."});
  }
}

// A second smtpd behind a content filter passes mail that was judged before.
void check_reinjection(const postfix_config& c, const settings& s, findings& into) {
  const auto filters = list_words(value_of(c, "smtpd_milters"));
  const bool ours = std::any_of(filters.begin(), filters.end(),
                                [&](const std::string& word) { return is_ours(word, s); });
  const auto services = c.services();
  if (!ours || !services) {
    return;
  }
  for (const auto& service : *services) {
    const auto own = c.service_value(service.name, "content_filter");
    const auto again = c.service_value(service.name, "smtpd_milters");
    if (service.command == "smtpd" && own && own->empty() && again && !again->empty() &&
        !value_of(c, "content_filter").empty()) {
      into.push_back({severity::warning, "judged-twice",
                      fmt::format("{} takes mail back from a content filter and runs the milters "
                                  "again",
                                  service.name),
                      "Each message is judged and counted twice, and refused there it bounces.",
                      fmt::format("postconf -P {}/smtpd_milters=", service.name)});
    }
  }
}

// A service in its chroot sees only what is below the queue directory.
void check_chroot(const postfix_config& c, findings& into) {
  const auto services = c.services();
  if (!services) {
    return;
  }
  const std::pair<const char*, const char*> used[] = {{"smtpd", "smtpd_milters"},
                                                      {"smtpd", "smtpd_recipient_restrictions"},
                                                      {"smtpd", "virtual_mailbox_maps"},
                                                      {"cleanup", "non_smtpd_milters"},
                                                      {"trivial-rewrite", "transport_maps"},
                                                      {"smtpd", "smtpd_end_of_data_restrictions"}};
  for (const auto& [command, parameter] : used) {
    const bool chrooted =
        std::any_of(services->begin(), services->end(), [&, name = command](const auto& service) {
          return service.command == name && service.chroot;
        });
    const std::string value = value_of(c, parameter);
    const auto at = value.find("unix:/");
    if (chrooted && at != std::string::npos && value.rfind("proxy:", at) == std::string::npos) {
      into.push_back({severity::error, "chroot-socket",
                      fmt::format("{} names {}, and {} runs in a chroot", parameter,
                                  value.substr(at, value.find_first_of(" ,}", at) - at), command),
                      "The service does not see that path: every recipient is answered 451.",
                      "Put the socket below the queue directory and name it relative to it "
                      "(unix:homeward/NAME.sock), or set the chroot of that service to n."});
    }
  }
}

} // namespace

result<std::vector<finding>> postfix_driver::check() {
  findings found;
  const auto queue = live_.value("queue_directory");
  if (!queue) {
    return queue.error();
  }
  queue_ = *queue;
  check_milters(live_, settings_, found);
  check_doors(live_, found);
  check_bare_newline(live_, found);
  check_transport(live_, settings_, found);
  check_aliases(live_, found);
  check_reinjection(live_, settings_, found);
  check_chroot(live_, found);
  const auto& s = settings_;
  const auto socket = [&](bool used, const std::string& setting, const char* name,
                          const char* who) {
    if (used) {
      check_socket(who, socket_file(postfix_socket(setting, name)), found);
    }
  };
  const bool moves = !s.domains.empty() || !s.users.empty();
  socket(moves, s.sockets.lmtp, "lmtp", "homeward-bridge");
  socket(s.doors.milter, s.sockets.milter, "milter", "the milter");
  socket(s.doors.policy, s.sockets.policy, "policy", "the policy server");
  socket(s.doors.lookup, s.sockets.lookup, "lookup", "the look-up server");
  return found;
}

} // namespace homeward::admin::mta
