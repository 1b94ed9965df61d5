#include "lib/config/value.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "lib/base/escape.hpp"
#include "lib/config/nearest.hpp"

namespace homeward::config {

namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') {
    text.remove_prefix(1);
  }
  while (!text.empty() && text.back() == ' ') {
    text.remove_suffix(1);
  }
  return text;
}

// Takes digits from the front of `text`; nothing when there are none or they do not fit.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) {
    return std::nullopt;
  }
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

struct duration_unit {
  std::string_view name;
  std::chrono::nanoseconds length;
};

using namespace std::chrono_literals;
constexpr std::array<duration_unit, 8> duration_units = {{{"w", 168h},
                                                          {"d", 24h},
                                                          {"h", 1h},
                                                          {"m", 1min},
                                                          {"s", 1s},
                                                          {"ms", 1ms},
                                                          {"us", 1us},
                                                          {"ns", 1ns}}};

std::string_view take_letters(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && text[length] >= 'a' && text[length] <= 'z') {
    ++length;
  }
  const auto letters = text.substr(0, length);
  text.remove_prefix(length);
  return letters;
}

bool is_safe_plain(std::string_view text) {
  constexpr std::array<std::string_view, 11> reserved = {"true", "false", "yes", "no", "on", "off",
                                                         "null", "~",     "y",   "n",  "-"};
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (text.empty() || std::find(reserved.begin(), reserved.end(), lower) != reserved.end()) {
    return false;
  }
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '/' || c == '+' || c == '-' || c == '@' || c == ':' || c == '=';
  };
  const char first = text.front();
  const bool good_start =
      first != '-' && first != ':' && first != '@' && first != '=' && first != '.' && first != '+';
  return good_start && text.back() != ':' && std::all_of(text.begin(), text.end(), is_plain);
}

} // namespace

std::string place::quote(const node& n) {
  switch (n.type) {
  case node::kind::null: return "an empty value";
  case node::kind::scalar: return '"' + escape(n.text, 80) + '"';
  case node::kind::list: return "a list";
  case node::kind::map: return "a section with keys of its own";
  }
  return {};
}

std::optional<bool> parse_bool(std::string_view text) {
  if (text == "true" || text == "yes" || text == "on") {
    return true;
  }
  if (text == "false" || text == "no" || text == "off") {
    return false;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  text = trimmed(text);
  const auto number = take_number(text);
  if (!number) {
    return std::nullopt;
  }
  text = trimmed(text);
  constexpr std::array<std::string_view, 5> units = {"B", "KiB", "MiB", "GiB", "TiB"};
  unsigned shift = 0;
  if (!text.empty()) {
    const auto unit = std::find(units.begin(), units.end(), text);
    if (unit == units.end()) {
      return std::nullopt;
    }
    shift = 10U * static_cast<unsigned>(unit - units.begin());
  }
  if (*number > (std::numeric_limits<std::uint64_t>::max() >> shift)) {
    return std::nullopt;
  }
  return *number << shift;
}

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  text = trimmed(text);
  if (text == "0") {
    return std::chrono::nanoseconds{0};
  }
  std::chrono::nanoseconds sum{0};
  constexpr auto longest = std::chrono::nanoseconds::max();
  do {
    const auto number = take_number(text);
    if (!number) {
      return std::nullopt;
    }
    text = trimmed(text);
    const auto letters = take_letters(text);
    const auto unit = std::find_if(duration_units.begin(), duration_units.end(),
                                   [&](const duration_unit& u) { return u.name == letters; });
    if (unit == duration_units.end() ||
        *number > static_cast<std::uint64_t>((longest - sum) / unit->length)) {
      return std::nullopt;
    }
    sum += unit->length * static_cast<std::int64_t>(*number);
    text = trimmed(text);
  } while (!text.empty());
  return sum;
}

std::string print_duration(std::chrono::nanoseconds length) {
  if (length.count() == 0) {
    return "0s";
  }
  // Weeks are read but not printed: 14d is easier to compare than 2w.
  for (const auto& unit : duration_units) {
    if (unit.name != "w" && length % unit.length == 0ns) {
      return fmt::format("{}{}", length / unit.length, unit.name);
    }
  }
  return fmt::format("{}ns", length.count());
}

std::string print_text(std::string_view text) {
  if (is_safe_plain(text)) {
    return std::string(text);
  }
  std::string quoted = "\"";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (octet < 0x20U || octet == 0x7FU) {
      quoted += fmt::format("\\x{:02x}", octet);
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

namespace detail {

const std::string* scalar(const node& n, const place& at, std::string_view wanted) {
  if (n.type == node::kind::scalar) {
    return &n.text;
  }
  if (n.type == node::kind::null) {
    at.bad(n, "has no value", fmt::format("write {}, or remove the line", wanted));
  } else {
    at.bad(n, place::quote(n) + " was found", fmt::format("{} was expected", wanted));
  }
  return nullptr;
}

std::optional<std::int64_t> read_signed(const node& n, const place& at) {
  const std::string* text = scalar(n, at, "a whole number");
  if (text == nullptr) {
    return std::nullopt;
  }
  std::int64_t number = 0;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc{} || stop != end) {
    at.bad(n, place::quote(n) + " is not a whole number", "write it in digits, as 10 or -1");
    return std::nullopt;
  }
  return number;
}

std::optional<std::uint64_t> read_unsigned(const node& n, const place& at) {
  const std::string* text = scalar(n, at, "a whole number");
  if (text == nullptr) {
    return std::nullopt;
  }
  std::uint64_t number = 0;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc{} || stop != end) {
    at.bad(n, place::quote(n) + " is not a whole number of 0 or more", "write it in digits, as 10");
    return std::nullopt;
  }
  return number;
}

std::optional<std::uint64_t> read_size(const node& n, const place& at) {
  const std::string* text = scalar(n, at, "a size such as 64 MiB");
  if (text == nullptr) {
    return std::nullopt;
  }
  const auto size = parse_size(*text);
  if (!size) {
    at.bad(n, place::quote(n) + " is not a size", "write it as 512 B, 17 KiB, 64 MiB or 2 GiB");
  }
  return size;
}

std::optional<std::chrono::nanoseconds> read_duration(const node& n, const place& at) {
  const std::string* text = scalar(n, at, "a duration such as 30s");
  if (text == nullptr) {
    return std::nullopt;
  }
  const auto length = parse_duration(*text);
  if (!length) {
    at.bad(n, place::quote(n) + " is not a duration", "write it as 30s, 5m or 2h");
  }
  return length;
}

std::string list_words(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i != 0) {
      text += i + 1 == words.size() ? " or " : ", ";
    }
    text += words[i];
  }
  return text;
}

std::string nearest_hint(std::string_view given, const std::vector<std::string>& names) {
  const std::string nearest = nearest_name(given, names);
  return nearest.empty() ? std::string{} : fmt::format(" (did you mean {}?)", nearest);
}

std::string bounds_words(const std::string& min, const std::string& max) {
  if (min.empty()) {
    return "at most " + max;
  }
  return max.empty() ? "at least " + min : min + " to " + max;
}

std::pair<std::string, std::string> split_complaint(const std::string& complaint) {
  const auto semicolon = complaint.find("; ");
  if (semicolon == std::string::npos) {
    return {complaint, {}};
  }
  return {complaint.substr(0, semicolon), complaint.substr(semicolon + 2)};
}

} // namespace detail

bool codec<std::string>::read(const node& n, const options<std::string>& /*o*/, const place& at,
                              std::string& value) {
  const std::string* text = detail::scalar(n, at, "a text");
  if (text == nullptr) {
    return false;
  }
  value = *text;
  return true;
}

bool codec<bool>::read(const node& n, const options<bool>& /*o*/, const place& at, bool& value) {
  const std::string* text = detail::scalar(n, at, "true or false");
  if (text == nullptr) {
    return false;
  }
  const auto flag = n.quoted ? std::nullopt : parse_bool(*text);
  if (!flag) {
    at.bad(n, place::quote(n) + " is neither true nor false", "write true or false");
    return false;
  }
  value = *flag;
  return true;
}

bool codec<std::vector<std::string>>::read(const node& n, const options<type>& /*o*/,
                                           const place& at, type& value) {
  value.clear();
  if (n.type == node::kind::null) {
    return true;
  }
  if (n.type != node::kind::list) {
    at.bad(n, place::quote(n) + " is not a list", "write it as [one, two]");
    return false;
  }
  bool good = true;
  for (const auto& item : n.items) {
    const std::string* text = detail::scalar(item, at, "a text");
    good = good && text != nullptr;
    value.push_back(text == nullptr ? std::string{} : *text);
  }
  return good;
}

std::string codec<std::vector<std::string>>::write(const type& value, const options<type>& /*o*/) {
  std::string text = "[";
  for (const auto& item : value) {
    text += (text.size() == 1 ? "" : ", ") + print_text(item);
  }
  return text + ']';
}

} // namespace homeward::config
