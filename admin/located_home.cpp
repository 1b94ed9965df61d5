#include "admin/located_home.hpp"

#include <fmt/format.h>

#include "lib/base/escape.hpp"
#include "lib/mail/address.hpp"

namespace homeward::admin {

namespace {

result<mail::address> parsed_address(const std::string& address) {
  const auto parsed = mail::parse_path(address, mail::charset::utf8);
  if (parsed.has_error()) {
    failure f = permanent_failure(failure_reason::syntax,
                                  fmt::format("\"{}\" is not an address", escape(address, 120)),
                                  std::string(mail::words(parsed.error())));
    f.advice = "Write it as ann@example.org.";
    return f;
  }
  return *parsed;
}

// The address as its own mailbox would be called, without detail.
std::string own_name(mail::address_rules rules, const mail::address& address) {
  rules.catch_all.clear();
  return rules.candidates(address).back();
}

// Users of the same name elsewhere: the usual reason why somebody is not found.
std::vector<std::string> similar_to(directory::engine& engine, const std::string& mailbox) {
  std::vector<std::string> names;
  const std::string local = mailbox.substr(0, mailbox.rfind('@'));
  if (local.find_first_of("*?") != std::string::npos) {
    return names;
  }
  for (const std::string& pattern : {local, local + "@*"}) {
    (void)engine.each_user({.pattern = pattern, .limit = 5}, [&](const directory::user& u) {
      names.push_back(u.mailbox);
      return true;
    });
  }
  return names;
}

result<void> add_place(directory::engine& engine, located_home& found) {
  const auto partitions = engine.partitions();
  const auto servers = engine.servers();
  if (partitions.has_error() || servers.has_error()) {
    return partitions.has_error() ? partitions.error() : servers.error();
  }
  for (const auto& p : *partitions) {
    found.partition = p.id == found.user->where.primary ? p : found.partition;
  }
  for (const auto& known : *servers) {
    found.server = known.name == found.user->where.primary.server ? known : found.server;
  }
  return {};
}

} // namespace

result<located_home> locate_home(session& s, const std::string& address) {
  const auto rules = s.address_rules();
  const auto parsed = parsed_address(address);
  if (rules.has_error() || parsed.has_error()) {
    return rules.has_error() ? rules.error() : parsed.error();
  }
  const auto engine = s.engine();
  if (engine.has_error()) {
    return engine.error();
  }
  located_home found;
  for (const auto& mailbox : rules->candidates(*parsed)) {
    found.looked_up.push_back(mailbox);
    auto known = (*engine)->find_user(mailbox);
    if (known.has_error()) {
      return known.error();
    }
    if (*known) {
      found.user = std::move(**known);
      if (const auto placed = add_place(**engine, found); placed.has_error()) {
        return placed.error();
      }
      return found;
    }
  }
  found.similar = similar_to(**engine, own_name(*rules, *parsed));
  return found;
}

} // namespace homeward::admin
