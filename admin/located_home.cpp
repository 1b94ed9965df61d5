#include "admin/located_home.hpp"

#include <fmt/format.h>

#include "lib/base/escape.hpp"
#include "lib/mail/address.hpp"

namespace homeward::admin {

namespace {

result<std::vector<std::string>> candidates(session& s, const std::string& address) {
  const auto rules = s.address_rules();
  if (rules.has_error()) {
    return rules.error();
  }
  const auto parsed = mail::parse_path(address, mail::charset::utf8);
  if (parsed.has_error()) {
    failure f = permanent_failure(failure_reason::syntax,
                                  fmt::format("\"{}\" is not an address", escape(address, 120)),
                                  std::string(mail::words(parsed.error())));
    f.advice = "Write it as ann@example.org.";
    return f;
  }
  return rules->candidates(*parsed);
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
  const auto names = candidates(s, address);
  const auto engine = s.engine();
  if (names.has_error() || engine.has_error()) {
    return names.has_error() ? names.error() : engine.error();
  }
  located_home found;
  for (const auto& mailbox : *names) {
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
  found.similar = similar_to(**engine, names->back());
  return found;
}

} // namespace homeward::admin
