#include "milter/lookup/maps.hpp"

#include <algorithm>
#include <array>
#include <variant>

#include <fmt/format.h>

#include "lib/base/escape.hpp"
#include "lib/directory/resolve.hpp"
#include "lib/mail/address.hpp"

namespace homeward::milter::lookup {

namespace {

constexpr std::array<std::string_view, 5> names = {"mailbox", "transport", "home", "host",
                                                   "domain"};

answer directory_away() {
  return later{"the user directory is not available; try again later"};
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

// sendmail writes the dot of a full domain name in some of its rules.
std::string_view without_last_dot(std::string_view key) {
  return key.ends_with('.') ? key.substr(0, key.size() - 1) : key;
}

answer found_or_not(std::string value) {
  return value.empty() ? answer(not_found{}) : answer(found{std::move(value)});
}

// The host in "host:port", "[::1]:2424" or "unix:/path".
std::string host_of(const directory::server& s) {
  if (s.endpoints.empty()) {
    return "";
  }
  const std::string& first = s.endpoints.front();
  if (first.starts_with("unix:")) {
    return "localhost";
  }
  const std::string host = first.substr(0, first.rfind(':'));
  return host.starts_with('[') && host.ends_with(']') ? host.substr(1, host.size() - 2) : host;
}

} // namespace

bool maps::has(std::string_view map) {
  return std::find(names.begin(), names.end(), map) != names.end();
}

answer maps::ask(std::string_view map, std::string_view key) const {
  if (!has(map)) {
    return later{fmt::format("there is no map \"{}\"; known are {}", escape(map, 40),
                             fmt::join(names, ", "))};
  }
  // Postfix asks transport maps for a default, too, and wants to hear "none" at any time.
  if (key == "*") {
    return not_found{};
  }
  if (map == "domain") {
    return ask_domain(without_last_dot(key));
  }
  const directory::replica_view directory = from_.directory_now();
  if (!directory.complete()) {
    return directory_away();
  }
  const auto address = mail::parse_path(without_last_dot(key), mail::charset::utf8);
  if (!address) {
    return not_found{};
  }
  const auto who = directory::resolve(directory, *from_.address_rules_now(), *address);
  const auto* home = std::get_if<directory::found_home>(&who);
  return home == nullptr || home->state == directory::user_state::disabled ? not_found{}
                                                                           : value_of(map, *home);
}

answer maps::value_of(std::string_view map, const directory::found_home& home) const {
  if (map == "mailbox") {
    return found{home.mailbox};
  }
  if (map == "home") {
    return found{to_string(home.primary->id)};
  }
  if (map == "host") {
    return found_or_not(host_of(*home.primary_server));
  }
  return found_or_not(home.primary->kind == directory::partition_kind::path
                          ? from_.transport.of_path_homes
                          : from_.transport.of_stores);
}

answer maps::ask_domain(std::string_view key) const {
  const std::size_t at = key.rfind('@');
  const std::string domain = lower(at == std::string_view::npos ? key : key.substr(at + 1));
  if (from_.known.has_domain(domain)) {
    return found{domain};
  }
  return from_.known.complete() ? answer(not_found{}) : directory_away();
}

} // namespace homeward::milter::lookup
