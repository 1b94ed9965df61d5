#include "lib/mail/address.hpp"

#include <array>
#include <stdexcept>
#include <string>

namespace homeward::mail {
namespace {

constexpr std::size_t longest_without_brackets = longest_path - 2;

enum octet_class : std::uint8_t {
  in_atom = 1,   // atext and the dot (RFC 5321 4.1.2 Dot-string)
  in_domain = 2, // letters, digits, hyphen; the underscore occurs in the wild
  in_quotes = 4, // may stand in a quoted string without a backslash
  in_literal = 8,
};

constexpr std::array<std::uint8_t, 256> classify() {
  std::array<std::uint8_t, 256> table{};
  const auto add = [&](std::string_view octets, std::uint8_t cls) {
    for (const char c : octets) {
      table[static_cast<std::uint8_t>(c)] |= cls;
    }
  };
  add("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_",
      in_atom | in_domain | in_literal);
  add("!#$%&'*+/=?^`{|}~.", in_atom);
  add(".:%", in_literal); // fewer than RFC 5321 4.1.3 has: no bracket may stand outside of quotes
  for (unsigned c = 0x20; c < 0x7F; ++c) {
    if (c != '"' && c != '\\') {
      table[c] |= in_quotes;
    }
  }
  for (unsigned c = 0x80; c < 0x100; ++c) { // UTF-8, checked as a whole before (RFC 6531 3.3)
    table[c] |= in_atom | in_domain | in_quotes;
  }
  return table;
}

constexpr std::array<std::uint8_t, 256> classes = classify();

bool is(char c, octet_class cls) {
  return (classes[static_cast<std::uint8_t>(c)] & cls) != 0;
}

// Length of the well-formed UTF-8 sequence at the start of `text`, 0 if there is none or if it is a
// C1 control or a line separator.
std::size_t clean_sequence(std::string_view text) {
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
  const bool breaks_lines = point < 0xA0 || point == 0x2028 || point == 0x2029;
  return overlong || surrogate || breaks_lines || point > 0x10FFFF ? 0 : length;
}

// The checks that do not depend on where an octet stands.
address_result<void> check_octets(std::string_view text, charset allowed) {
  bool has_high = false;
  for (const char c : text) {
    const auto octet = static_cast<std::uint8_t>(c);
    if (octet < 0x20 || octet == 0x7F) {
      return address_fault::control_octet;
    }
    has_high = has_high || octet >= 0x80;
  }
  if (has_high && !is_clean_utf8(text)) {
    return address_fault::not_utf8;
  }
  if (has_high && allowed == charset::ascii) {
    return address_fault::needs_smtputf8;
  }
  return {};
}

// Reads a quoted local part (RFC 5321 4.1.2 Quoted-string) off the front of `text`.
address_result<std::string> take_quoted(std::string_view& text) {
  std::string content;
  for (std::size_t i = 1; i < text.size(); ++i) {
    char c = text[i];
    if (c == '"') {
      text.remove_prefix(i + 1);
      return content;
    }
    if (c == '\\') {
      ++i;
      if (i == text.size() || static_cast<std::uint8_t>(text[i]) >= 0x80) {
        return address_fault::syntax;
      }
      c = text[i];
    } else if (!is(c, in_quotes)) {
      return address_fault::syntax;
    }
    content += c;
  }
  return address_fault::syntax;
}

std::string take_atoms(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && is(text[length], in_atom)) {
    ++length;
  }
  std::string local(text.substr(0, length));
  text.remove_prefix(length);
  return local;
}

address_result<void> check_literal(std::string_view domain) {
  if (domain.size() < 3 || domain.back() != ']') {
    return address_fault::syntax;
  }
  for (const char c : domain.substr(1, domain.size() - 2)) {
    if (!is(c, in_literal)) {
      return address_fault::syntax;
    }
  }
  return {};
}

address_result<void> check_domain(std::string_view domain) {
  if (domain.size() > longest_domain) {
    return address_fault::domain_too_long;
  }
  if (domain.starts_with('[')) {
    return check_literal(domain);
  }
  std::size_t label = 0;
  for (const char c : domain) {
    if (c == '.') {
      if (label == 0) {
        return address_fault::syntax;
      }
      label = 0;
    } else if (!is(c, in_domain)) {
      return address_fault::syntax;
    } else if (++label > longest_label) {
      return address_fault::domain_too_long;
    }
  }
  if (label == 0) {
    return address_fault::syntax;
  }
  return {};
}

bool needs_quotes(std::string_view local) {
  bool after_dot = true; // a dot at the start needs quotes
  for (const char c : local) {
    if (!is(c, in_atom) || (c == '.' && after_dot)) {
      return true;
    }
    after_dot = c == '.';
  }
  return after_dot;
}

// Drops `@a,@b:` (RFC 5321 4.1.2 A-d-l).
address_result<std::string_view> without_route(std::string_view text) {
  if (!text.starts_with('@')) {
    return text;
  }
  while (true) {
    const std::size_t end = text.find_first_of(",:");
    if (end == std::string_view::npos || !text.starts_with('@')) {
      return address_fault::syntax;
    }
    if (const auto checked = check_domain(text.substr(1, end - 1)); !checked) {
      return checked.error();
    }
    const bool last = text[end] == ':';
    text.remove_prefix(end + 1);
    if (last) {
      return text;
    }
  }
}

} // namespace

std::string to_string(const address& a) {
  std::string text;
  text.reserve(a.local.size() + a.domain.size() + 3);
  if (needs_quotes(a.local)) {
    text += '"';
    for (const char c : a.local) {
      if (c == '"' || c == '\\') {
        text += '\\';
      }
      text += c;
    }
    text += '"';
  } else {
    text += a.local;
  }
  if (!a.domain.empty()) {
    text += '@';
    text += a.domain;
  }
  return text;
}

std::string_view words(address_fault fault) {
  switch (fault) {
  case address_fault::empty: return "the address is empty";
  case address_fault::syntax: return "not an address of the form local@domain";
  case address_fault::control_octet: return "control characters are not allowed in an address";
  case address_fault::not_utf8: return "the address is not well-formed UTF-8";
  case address_fault::needs_smtputf8: return "a non-ASCII address needs the SMTPUTF8 parameter";
  case address_fault::domain_too_long: return "the domain is too long";
  case address_fault::path_too_long: return "the address is too long";
  }
  return "not an address";
}

void throw_exception_from_error(address_fault fault, const boost::source_location& /*where*/) {
  throw std::logic_error("address asked of a fault: " + std::string(words(fault)));
}

address_result<address> parse_address(std::string_view text, charset allowed) {
  if (text.empty()) {
    return address_fault::empty;
  }
  if (text.size() > longest_without_brackets) {
    return address_fault::path_too_long;
  }
  if (const auto checked = check_octets(text, allowed); !checked) {
    return checked.error();
  }
  address a;
  if (text.starts_with('"')) {
    auto local = take_quoted(text);
    if (!local) {
      return local.error();
    }
    a.local = std::move(*local);
  } else {
    a.local = take_atoms(text);
  }
  if (a.local.empty()) {
    return address_fault::syntax;
  }
  if (!text.empty()) {
    if (text.front() != '@') {
      return address_fault::syntax;
    }
    text.remove_prefix(1);
    if (const auto checked = check_domain(text); !checked) {
      return checked.error();
    }
    a.domain = text;
  }
  // The canonical notation may be longer than the given one: a..b@x becomes "a..b"@x.
  if (needs_quotes(a.local) && to_string(a).size() > longest_without_brackets) {
    return address_fault::path_too_long;
  }
  return a;
}

address_result<address> parse_path(std::string_view text, charset allowed) {
  if (text.starts_with('<')) {
    if (!text.ends_with('>')) {
      return address_fault::syntax;
    }
    text = text.substr(1, text.size() - 2);
  }
  const auto mailbox = without_route(text);
  if (!mailbox) {
    return mailbox.error();
  }
  return parse_address(*mailbox, allowed);
}

address_result<path_and_rest> split_path(std::string_view text) {
  if (!text.starts_with('<')) {
    return address_fault::syntax;
  }
  bool quoted = false;
  for (std::size_t i = 1; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      quoted = !quoted;
    } else if (c == '\\' && quoted) {
      ++i;
    } else if (c == '>' && !quoted) {
      return path_and_rest{text.substr(0, i + 1), text.substr(i + 1)};
    }
  }
  return address_fault::syntax;
}

bool is_clean_utf8(std::string_view text) {
  while (!text.empty()) {
    if (static_cast<std::uint8_t>(text.front()) < 0x80) {
      text.remove_prefix(1);
      continue;
    }
    const std::size_t length = clean_sequence(text);
    if (length == 0) {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

} // namespace homeward::mail
