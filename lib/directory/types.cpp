#include "lib/directory/types.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "lib/base/escape.hpp"
#include "lib/mail/address.hpp"

namespace homeward::directory {

namespace {

template <class E, std::size_t N>
using names = std::array<std::pair<E, std::string_view>, N>;

constexpr names<partition_kind, 2> kind_names = {
    {{partition_kind::stored, "stored"}, {partition_kind::path, "path"}}};
constexpr names<partition_state, 4> partition_state_names = {
    {{partition_state::active, "active"},
     {partition_state::draining, "draining"},
     {partition_state::full, "full"},
     {partition_state::offline, "offline"}}};
constexpr names<user_state, 2> user_state_names = {
    {{user_state::active, "active"}, {user_state::disabled, "disabled"}}};

template <class E, std::size_t N>
std::string_view find_name(const names<E, N>& all, E value) {
  for (const auto& [known, name] : all) {
    if (known == value) {
      return name;
    }
  }
  return "?";
}

template <class E, std::size_t N>
std::optional<E> find_value(const names<E, N>& all, std::string_view text) {
  for (const auto& [value, name] : all) {
    if (name == text) {
      return value;
    }
  }
  return std::nullopt;
}

bool is_printable_line(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return octet > 0x20U && octet != 0x7FU;
  });
}

bool is_absolute_path(std::string_view path) {
  return path.starts_with('/') && path.size() < 4096 &&
         std::none_of(path.begin(), path.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20U; });
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// The form only; the network library has the last word on it.
bool is_endpoint(std::string_view text) {
  if (text.starts_with("unix:")) {
    return is_absolute_path(text.substr(5)) && text.size() - 5 <= 107;
  }
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || !is_port(text.substr(colon + 1))) {
    return false;
  }
  const auto host = text.substr(0, colon);
  const bool bracketed = host.front() == '[' && host.back() == ']';
  return is_printable_line(host) && (bracketed || host.find(':') == std::string_view::npos);
}

} // namespace

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= longest_name && text.front() != '.' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
         });
}

std::string to_string(const partition_id& id) {
  return id.server + '/' + id.directory;
}

result<partition_id> parse_partition_id(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos || !is_name(text.substr(0, slash)) ||
      !is_name(text.substr(slash + 1))) {
    failure f = permanent_failure(failure_reason::perm,
                                  fmt::format("\"{}\" is not a partition", escape(text, 80)));
    f.advice = "Write it as SERVER/DIRECTORY, such as store1/mail1.";
    return f;
  }
  return partition_id{std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
}

std::string_view name_of(partition_kind kind) {
  return find_name(kind_names, kind);
}
std::string_view name_of(partition_state state) {
  return find_name(partition_state_names, state);
}
std::string_view name_of(user_state state) {
  return find_name(user_state_names, state);
}

std::optional<partition_kind> parse_partition_kind(std::string_view text) {
  return find_value(kind_names, text);
}
std::optional<partition_state> parse_partition_state(std::string_view text) {
  return find_value(partition_state_names, text);
}
std::optional<user_state> parse_user_state(std::string_view text) {
  return find_value(user_state_names, text);
}

std::string complaint(const server& s) {
  if (!is_name(s.name)) {
    return fmt::format(
        "\"{}\" is not a server name: use letters, digits, '.', '_' and '-', at most "
        "{} of them, no '.' at the start",
        escape(s.name, 80), longest_name);
  }
  for (const auto& e : s.endpoints) {
    if (!is_endpoint(e)) {
      return fmt::format(
          "\"{}\" is not an address of a server: write it as host:port, [::1]:port or "
          "unix:/path",
          escape(e, 120));
    }
  }
  return {};
}

std::string complaint(const partition& p) {
  if (!is_name(p.id.server) || !is_name(p.id.directory)) {
    return fmt::format("\"{}\" is not a partition: write it as SERVER/DIRECTORY, such as "
                       "store1/mail1",
                       escape(to_string(p.id), 140));
  }
  if (p.kind == partition_kind::path && !is_absolute_path(p.path)) {
    return fmt::format("\"{}\" is not an absolute path: a partition of kind path needs one",
                       escape(p.path, 120));
  }
  if (p.kind == partition_kind::stored && !p.path.empty()) {
    return "a partition of kind stored has no path here: its place is in the settings of its "
           "server";
  }
  if (p.weight > largest_weight) {
    return fmt::format("weight {} is too large: at most {}", p.weight, largest_weight);
  }
  return {};
}

std::string complaint(const user& u) {
  const auto parsed = mail::parse_address(u.mailbox, mail::charset::utf8);
  if (parsed.has_error()) {
    return fmt::format("\"{}\" is not a mailbox: {}", escape(u.mailbox, 120),
                       mail::words(parsed.error()));
  }
  if (to_string(*parsed) != u.mailbox) {
    return fmt::format("\"{}\" is not written as the directory needs it: write {}",
                       escape(u.mailbox, 120), escape(to_string(*parsed), 120));
  }
  if (std::any_of(parsed->domain.begin(), parsed->domain.end(),
                  [](char c) { return c >= 'A' && c <= 'Z'; })) {
    return fmt::format("\"{}\" has capital letters in its domain: it would never be found",
                       escape(u.mailbox, 120));
  }
  if (u.where.secondary && *u.where.secondary == u.where.primary) {
    return "the second home of " + escape(u.mailbox, 120) + " is the same partition as its first";
  }
  // The database keeps signed numbers.
  constexpr auto largest = std::uint64_t{std::numeric_limits<std::int64_t>::max()};
  if (u.where.quota.octets > largest || u.where.epoch > largest) {
    return "the quota or epoch of " + escape(u.mailbox, 120) + " is too large";
  }
  return {};
}

} // namespace homeward::directory
