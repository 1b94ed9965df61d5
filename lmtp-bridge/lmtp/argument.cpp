#include "lmtp-bridge/lmtp/argument.hpp"

#include <algorithm>
#include <charconv>

namespace homeward::lmtp {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

void skip_spaces(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
}

} // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool take_keyword(std::string_view& text, std::string_view keyword) {
  if (!equals_ignoring_case(text.substr(0, keyword.size()), keyword)) {
    return false;
  }
  text.remove_prefix(keyword.size());
  skip_spaces(text);
  return true;
}

std::string_view take_word(std::string_view& text) {
  skip_spaces(text);
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  skip_spaces(text);
  return word;
}

parameter split_parameter(std::string_view word) {
  const std::size_t at = word.find('=');
  if (at == std::string_view::npos) {
    return {word, std::nullopt};
  }
  return {word.substr(0, at), word.substr(at + 1)};
}

std::optional<std::string> decode_xtext(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.front() != '+') {
      out += text.front();
      text.remove_prefix(1);
      continue;
    }
    unsigned octet = 0;
    const std::string_view digits = text.substr(1, 2);
    const auto [end, fault] =
        std::from_chars(digits.data(), digits.data() + digits.size(), octet, 16);
    if (fault != std::errc{} || digits.size() != 2 || end != digits.data() + 2) {
      return std::nullopt;
    }
    out += static_cast<char>(octet);
    text.remove_prefix(3);
  }
  return out;
}

} // namespace homeward::lmtp
