#pragma once
// The kinds of values a setting can have, and how each is read, bounded and printed. Settings are
// written with their units (64 MiB, 30s), so the types carry them too.

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "lib/base/byte_count.hpp"
#include "lib/config/node.hpp"
#include "lib/config/report.hpp"

namespace homeward::config {

// What a table says about one setting besides its name and place. All fields may be left out except
// `doc`. Plain text; an empty line separates paragraphs of `doc`.
template <class T>
struct options {
  std::string doc = {};      // what it does and when to change it, full sentences
  std::string example = {};  // a value as one would write it, where the default says little
  std::optional<T> min = {}; // numbers, sizes, durations: smallest value allowed
  std::optional<T> max = {}; // and the largest
  std::vector<std::pair<std::string, T>> names = {}; // enumerations: every name and its value
  bool required = false;   // the file must give it; then `example` must be given too
  bool reloadable = false; // takes effect on SIGHUP; otherwise a change needs a restart
  // Says what is wrong with a value ("" if nothing); it follows the quoted value in the message, as
  // in
  // `"a b" is not a host name; write it as mail.example.org`.
  std::function<std::string(const T&)> check = {};
  std::string since = "0.1"; // the first version that has it
};

// Reads for one value: where it stands and whom to tell.
struct place {
  const report& into;
  std::string_view key;

  void bad(const node& n, std::string what, std::string meant = {}) const {
    into.add_at(n.line, key, std::move(what), std::move(meant));
  }
  // "value" for the message, escaped and cut; a list or map is described instead.
  [[nodiscard]] static std::string quote(const node& n);
};

// The text forms. Reading yields nothing when the text is of another kind.
[[nodiscard]] std::optional<bool> parse_bool(std::string_view text);
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);
// 500ms, 30s, 5m, 2h, 1d, 1w and sums such as 1h30m; a bare 0 too.
[[nodiscard]] std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);
[[nodiscard]] std::string print_duration(std::chrono::nanoseconds length);
// `text` as a YAML scalar that reads back as text: plain where that is safe, else double-quoted.
[[nodiscard]] std::string print_text(std::string_view text);

namespace detail {
// The scalar of `n`, or a problem saying that a `wanted` was expected here.
const std::string* scalar(const node& n, const place& at, std::string_view wanted);
std::optional<std::int64_t> read_signed(const node& n, const place& at);
std::optional<std::uint64_t> read_unsigned(const node& n, const place& at);
std::optional<std::uint64_t> read_size(const node& n, const place& at);
std::optional<std::chrono::nanoseconds> read_duration(const node& n, const place& at);
std::string list_words(const std::vector<std::string>& words); // "a, b or c"
std::string nearest_hint(std::string_view given, const std::vector<std::string>& names);
std::string bounds_words(const std::string& min, const std::string& max);
} // namespace detail

// How a type is read and printed. `read` returns false after it has noted a problem; `write` gives
// YAML text for one line that `read` understands; `kind` describes the type for the documentation.
template <class T>
struct codec;

template <>
struct codec<std::string> {
  static bool read(const node& n, const options<std::string>& o, const place& at,
                   std::string& value);
  static std::string write(const std::string& value, const options<std::string>& /*o*/) {
    return print_text(value);
  }
  static std::string kind(const options<std::string>& /*o*/) { return "text"; }
};

template <>
struct codec<bool> {
  static bool read(const node& n, const options<bool>& o, const place& at, bool& value);
  static std::string write(bool value, const options<bool>& /*o*/) {
    return value ? "true" : "false";
  }
  static std::string kind(const options<bool>& /*o*/) { return "true or false"; }
};

template <>
struct codec<std::vector<std::string>> {
  using type = std::vector<std::string>;
  static bool read(const node& n, const options<type>& o, const place& at, type& value);
  static std::string write(const type& value, const options<type>& o);
  static std::string kind(const options<type>& /*o*/) { return "list of texts"; }
};

namespace detail {
// Bounds, for every type that has an order; notes a problem and returns false when outside.
template <class T>
bool check_bounds(const node& n, const options<T>& o, const place& at, const T& value) {
  if ((o.min && value < *o.min) || (o.max && *o.max < value)) {
    const std::string what = o.min && value < *o.min ? " is too small" : " is too large";
    at.bad(n, place::quote(n) + what,
           "allowed is " + bounds_words(o.min ? codec<T>::write(*o.min, o) : "",
                                        o.max ? codec<T>::write(*o.max, o) : ""));
    return false;
  }
  return true;
}

template <class T>
std::string kind_with_bounds(std::string name, const options<T>& o) {
  if (o.min || o.max) {
    name += ", " + bounds_words(o.min ? codec<T>::write(*o.min, o) : "",
                                o.max ? codec<T>::write(*o.max, o) : "");
  }
  return name;
}

// "words; meant" of a check function, split at the first "; ".
std::pair<std::string, std::string> split_complaint(const std::string& complaint);

template <class T>
bool run_check(const node& n, const options<T>& o, const place& at, const T& value) {
  const std::string complaint = o.check ? o.check(value) : std::string{};
  if (complaint.empty()) {
    return true;
  }
  const auto [what, meant] = split_complaint(complaint);
  at.bad(n, place::quote(n) + ' ' + what, meant);
  return false;
}
} // namespace detail

// Whole numbers, with the bounds of their type besides those of the table.
template <std::integral T>
requires(!std::same_as<T, bool>) struct codec<T> {
  static bool read(const node& n, const options<T>& o, const place& at, T& value) {
    using wide = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
    std::optional<wide> number;
    if constexpr (std::is_signed_v<T>) {
      number = detail::read_signed(n, at);
    } else {
      number = detail::read_unsigned(n, at);
    }
    if (!number) {
      return false;
    }
    if (*number < wide{std::numeric_limits<T>::min()} ||
        *number > wide{std::numeric_limits<T>::max()}) {
      at.bad(n, place::quote(n) + " is too large",
             "allowed is " + detail::bounds_words(
                                 std::to_string(o.min.value_or(std::numeric_limits<T>::min())),
                                 std::to_string(o.max.value_or(std::numeric_limits<T>::max()))));
      return false;
    }
    value = static_cast<T>(*number);
    return detail::check_bounds(n, o, at, value);
  }
  static std::string write(T value, const options<T>& /*o*/) { return std::to_string(value); }
  static std::string kind(const options<T>& o) {
    return detail::kind_with_bounds("whole number", o);
  }
};

template <>
struct codec<byte_count> {
  static bool read(const node& n, const options<byte_count>& o, const place& at,
                   byte_count& value) {
    const auto octets = detail::read_size(n, at);
    if (!octets) {
      return false;
    }
    value = byte_count{*octets};
    return detail::check_bounds(n, o, at, value);
  }
  static std::string write(byte_count value, const options<byte_count>& /*o*/) {
    return to_string(value);
  }
  static std::string kind(const options<byte_count>& o) {
    return detail::kind_with_bounds("size", o);
  }
};

template <class Rep, class Period>
struct codec<std::chrono::duration<Rep, Period>> {
  using type = std::chrono::duration<Rep, Period>;
  static bool read(const node& n, const options<type>& o, const place& at, type& value) {
    const auto length = detail::read_duration(n, at);
    if (!length) {
      return false;
    }
    value = std::chrono::duration_cast<type>(*length);
    if (std::chrono::duration_cast<std::chrono::nanoseconds>(value) != *length) {
      at.bad(n, place::quote(n) + " is too fine",
             "the smallest step here is " +
                 print_duration(std::chrono::duration_cast<std::chrono::nanoseconds>(type{1})));
      return false;
    }
    return detail::check_bounds(n, o, at, value);
  }
  static std::string write(type value, const options<type>& /*o*/) {
    return print_duration(std::chrono::duration_cast<std::chrono::nanoseconds>(value));
  }
  static std::string kind(const options<type>& o) {
    return detail::kind_with_bounds("duration", o);
  }
};

// Enumerations: the table gives every name.
template <class T>
requires std::is_enum_v<T>
struct codec<T> {
  static bool read(const node& n, const options<T>& o, const place& at, T& value) {
    const std::string* text = detail::scalar(n, at, "a name");
    if (text == nullptr) {
      return false;
    }
    for (const auto& [name, named] : o.names) {
      if (name == *text) {
        value = named;
        return true;
      }
    }
    at.bad(n, place::quote(n) + " is not known here",
           "allowed is " + detail::list_words(all_names(o)) +
               detail::nearest_hint(*text, all_names(o)));
    return false;
  }
  static std::string write(T value, const options<T>& o) {
    for (const auto& [name, named] : o.names) {
      if (named == value) {
        return name;
      }
    }
    return "?";
  }
  static std::string kind(const options<T>& o) {
    return "one of " + detail::list_words(all_names(o));
  }

 private:
  static std::vector<std::string> all_names(const options<T>& o) {
    std::vector<std::string> names;
    for (const auto& [name, named] : o.names) {
      names.push_back(name);
    }
    return names;
  }
};

} // namespace homeward::config
