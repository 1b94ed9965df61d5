#include "lib/store_protocol/xtext.hpp"

#include <cstdint>

namespace homeward::store_protocol {
namespace {

constexpr std::string_view hex_digits = "0123456789ABCDEF";

constexpr bool stands_for_itself(char c) {
  return c > ' ' && c <= '~' && c != '+' && c != '=';
}

} // namespace

std::string encode_xtext(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (stands_for_itself(c)) {
      out += c;
    } else {
      const auto octet = static_cast<std::uint8_t>(c);
      out += '+';
      out += hex_digits[octet >> 4U];
      out += hex_digits[octet & 0xFU];
    }
  }
  return out;
}

std::optional<std::string> decode_xtext(std::string_view xtext) {
  std::string out;
  out.reserve(xtext.size());
  for (std::size_t i = 0; i < xtext.size(); ++i) {
    if (stands_for_itself(xtext[i])) {
      out += xtext[i];
      continue;
    }
    if (xtext[i] != '+' || xtext.size() - i < 3) {
      return std::nullopt;
    }
    const std::size_t high = hex_digits.find(xtext[i + 1]);
    const std::size_t low = hex_digits.find(xtext[i + 2]);
    if (high == std::string_view::npos || low == std::string_view::npos) {
      return std::nullopt;
    }
    out += static_cast<char>(static_cast<std::uint8_t>(high << 4U | low));
    i += 2;
  }
  return out;
}

} // namespace homeward::store_protocol
