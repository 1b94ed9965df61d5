#pragma once
// The alphabets of the storage protocol's grammar, in one place. Octets, never locale.

#include <cstdint>
#include <string_view>

namespace homeward::store_protocol {

// NUL to US and DEL: never allowed in any line, in either direction.
[[nodiscard]] constexpr bool is_control(char c) {
  const auto octet = static_cast<std::uint8_t>(c);
  return octet < 0x20 || octet == 0x7F;
}

[[nodiscard]] constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The alphabet of NAME, PRTN and version words: [A-Za-z0-9._-].
[[nodiscard]] constexpr bool is_name_octet(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '.' || c == '_' ||
         c == '-';
}

// Not empty, only that alphabet, no leading dot (so neither "." nor ".." nor a hidden file).
[[nodiscard]] constexpr bool is_name(std::string_view text) {
  if (text.empty() || text.front() == '.') {
    return false;
  }
  for (const char c : text) {
    if (!is_name_octet(c)) {
      return false;
    }
  }
  return true;
}

[[nodiscard]] constexpr char to_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

// Verbs and parameter names are compared without regard to case.
[[nodiscard]] constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (to_upper(a[i]) != to_upper(b[i])) {
      return false;
    }
  }
  return true;
}

} // namespace homeward::store_protocol
