#include "lib/base/escape.hpp"

#include <cstdint>

#include <fmt/format.h>

namespace homeward {
namespace {

// Length of the well-formed, printable UTF-8 sequence at the start of `text`, 0 if there is none.
// C1 controls, surrogates, overlong forms and the line separators U+2028/2029 are refused.
std::size_t printable_utf8_length(std::string_view text) {
  const auto octet = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = octet(0);
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) {
    return 0;
  }
  std::uint32_t point = first & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((octet(i) & 0xC0U) != 0x80U) {
      return 0;
    }
    point = (point << 6U) | (octet(i) & 0x3FU);
  }
  const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
  const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
  const bool invisible = point < 0xA0 || point == 0x2028 || point == 0x2029 || point == 0xFEFF ||
                         (point >= 0x202A && point <= 0x202E) ||
                         (point >= 0x2066 && point <= 0x2069);
  return overlong || surrogate || invisible || point > 0x10FFFF ? 0 : length;
}

void append_escaped(std::string& out, char c) {
  switch (c) {
  case '\n': out += "\\n"; break;
  case '\r': out += "\\r"; break;
  case '\t': out += "\\t"; break;
  case '\\': out += "\\\\"; break;
  default: out += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(c)); break;
  }
}

} // namespace

std::string escape(std::string_view text, std::size_t limit) {
  const bool cut = text.size() > limit;
  if (cut) {
    text = text.substr(0, limit);
  }
  std::string out;
  out.reserve(text.size() + 3);
  while (!text.empty()) {
    const char c = text.front();
    std::size_t length = 1;
    if (c >= ' ' && c <= '~' && c != '\\') {
      out += c;
    } else if (static_cast<std::uint8_t>(c) < 0x80U ||
               (length = printable_utf8_length(text)) == 0) {
      length = 1;
      append_escaped(out, c);
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  if (cut) {
    out += "...";
  }
  return out;
}

} // namespace homeward
