#include "lib/store_protocol/command.hpp"

#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "lib/store_protocol/characters.hpp"
#include "lib/store_protocol/xtext.hpp"

namespace homeward::store_protocol {
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

// An address taken from the front of an argument.
struct front_path {
  std::string_view address;
  std::string_view rest;
};

// The octets between "<" and the ">" that is outside a quoted string (RFC 5321 4.1.2
// Quoted-string).
result<front_path> bracketed_path(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 1; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == '<') {
      break;
    } else if (!quoted && c == '>') {
      const std::string_view rest = text.substr(i + 1);
      if (!rest.empty() && rest.front() != ' ') {
        return syntax_failure("a space must follow the address");
      }
      return front_path{text.substr(1, i - 1), trimmed(rest)};
    }
  }
  return syntax_failure("an address that begins with < must end with >");
}

result<front_path> bare_path(std::string_view text) {
  const std::size_t end = text.find(' ');
  const std::string_view address = text.substr(0, end);
  if (address.empty()) {
    return syntax_failure("an address is missing");
  }
  if (address.find_first_of("<>\"") != std::string_view::npos) {
    return syntax_failure("write this address in angle brackets: <address>");
  }
  const std::string_view rest = end == std::string_view::npos ? "" : text.substr(end);
  return front_path{address, trimmed(rest)};
}

result<front_path> parse_path(std::string_view argument, const limits& l) {
  const bool bracketed = !argument.empty() && argument.front() == '<';
  auto path = bracketed ? bracketed_path(argument) : bare_path(argument);
  if (path && path->address.size() > l.address) {
    return syntax_failure(fmt::format("the address is longer than {} octets", l.address));
  }
  return path;
}

bool holds_control(std::string_view text) {
  for (const char c : text) {
    if (is_control(c)) {
      return true;
    }
  }
  return false;
}

result<void> apply_original(recipient& r, std::string_view value, const limits& l) {
  auto original = decode_xtext(value);
  if (!original || original->empty() || holds_control(*original)) {
    return syntax_failure("ORIG must be an address in xtext");
  }
  if (original->size() > l.address) {
    return syntax_failure(fmt::format("ORIG is longer than {} octets", l.address));
  }
  r.original = std::move(*original);
  return {};
}

// One "KEY=value" of RCPT. `seen` has a bit for each key, so that none is given twice.
result<void> apply_parameter(recipient& r, std::string_view word, unsigned& seen, const limits& l) {
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos) {
    return syntax_failure("a parameter of RCPT is KEY=value");
  }
  constexpr std::string_view keys[] = {"ORIG", "EPOCH", "QUOTA"};
  unsigned which = 0;
  while (which < 3 && !equal_ignoring_case(word.substr(0, equals), keys[which])) {
    ++which;
  }
  if (which == 3) {
    return syntax_failure("unknown parameter of RCPT: there are ORIG, EPOCH and QUOTA");
  }
  if ((seen & (1U << which)) != 0) {
    return syntax_failure("a parameter of RCPT is given twice");
  }
  seen |= 1U << which;
  const std::string_view value = word.substr(equals + 1);
  if (which == 0) {
    return apply_original(r, value, l);
  }
  const auto number = parse_number(value);
  if (!number) {
    return number.error();
  }
  (which == 1 ? r.epoch : r.quota_limit.octets) = *number;
  return {};
}

result<std::string> fit(std::string line, const limits& l) {
  line += "\r\n";
  if (line.size() > l.line) {
    return permanent_failure(failure_reason::perm,
                             "the address is too long for the storage protocol");
  }
  return line;
}

} // namespace

command_line split_command(std::string_view line) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) {
    return {line, {}};
  }
  return {line.substr(0, space), trimmed(line.substr(space))};
}

failure syntax_failure(std::string what) {
  return failure{
      .kind = failure_kind::transient, .reason = failure_reason::syntax, .what = std::move(what)};
}

result<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || !is_digit(text.front()) || error != std::errc{} || stopped != end) {
    return syntax_failure("a decimal number is expected");
  }
  return value;
}

result<std::string> parse_partition(std::string_view argument, const limits& l) {
  if (!is_name(argument) || argument.size() > l.partition) {
    return syntax_failure(fmt::format(
        "a partition is 1 to {} of A-Z a-z 0-9 . _ - without a leading dot", l.partition));
  }
  return std::string(argument);
}

result<std::string> parse_sender(std::string_view argument, const limits& l) {
  auto path = parse_path(argument, l);
  if (!path) {
    return path.error();
  }
  if (!path->rest.empty()) {
    return syntax_failure("FROM takes one address and no parameters");
  }
  return std::string(path->address);
}

result<recipient> parse_recipient(std::string_view argument, bool with_parameters,
                                  const limits& l) {
  auto path = parse_path(argument, l);
  if (!path) {
    return path.error();
  }
  if (path->address.empty()) {
    return syntax_failure("a recipient must not be empty");
  }
  if (!with_parameters && !path->rest.empty()) {
    return syntax_failure("parameters of RCPT need CAPA PARAMS first");
  }
  recipient r;
  r.mailbox = std::string(path->address);
  std::string_view rest = path->rest;
  unsigned seen = 0;
  while (!rest.empty()) {
    const std::size_t space = rest.find(' ');
    if (auto applied = apply_parameter(r, rest.substr(0, space), seen, l); !applied) {
      return applied.error();
    }
    rest = space == std::string_view::npos ? "" : trimmed(rest.substr(space));
  }
  return r;
}

std::string encode_size(byte_count size) {
  return fmt::format("SIZE {}\r\n", size.octets);
}

result<std::string> encode_name(const message_name& name, const limits& l) {
  const std::string text = to_string(name);
  const auto back = parse_message_name(text, l);
  if (!back || *back != name) {
    return syntax_failure("the message name cannot be written in the storage protocol");
  }
  return fit("NAME " + text, l);
}

result<std::string> encode_partition(std::string_view partition, const limits& l) {
  if (!parse_partition(partition, l)) {
    return syntax_failure("the partition's name cannot be written in the storage protocol");
  }
  return fit(fmt::format("PRTN {}", partition), l);
}

result<std::string> encode_sender(std::string_view sender, const limits& l) {
  const std::string argument = fmt::format("<{}>", sender);
  const auto back = parse_sender(argument, l);
  if (!back || *back != sender || holds_control(sender)) {
    return permanent_failure(failure_reason::perm,
                             "the sender address cannot be written in the storage protocol");
  }
  return fit("FROM " + argument, l);
}

result<std::string> encode_recipient(const recipient& r, bool with_parameters, const limits& l) {
  const std::string argument = fmt::format("<{}>", r.mailbox);
  const auto back = parse_recipient(argument, false, l);
  if (!back || back->mailbox != r.mailbox || holds_control(r.mailbox)) {
    return permanent_failure(failure_reason::perm,
                             "the mailbox cannot be written in the storage protocol");
  }
  std::string line = "RCPT " + argument;
  if (!with_parameters) {
    return fit(std::move(line), l);
  }
  if (r.epoch != 0) {
    line += fmt::format(" EPOCH={}", r.epoch);
  }
  if (r.quota_limit.octets != 0) {
    line += fmt::format(" QUOTA={}", r.quota_limit.octets);
  }
  if (!r.original.empty() && r.original.size() <= l.address && !holds_control(r.original)) {
    const std::string original = " ORIG=" + encode_xtext(r.original);
    if (line.size() + original.size() + 2 <= l.line) {
      line += original;
    }
  }
  return fit(std::move(line), l);
}

} // namespace homeward::store_protocol
