#include "lib/store_protocol/reply.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "lib/base/escape.hpp"
#include "lib/store_protocol/characters.hpp"
#include "lib/store_protocol/command.hpp"

namespace homeward::store_protocol {
namespace {

struct code_name {
  failure_reason reason;
  std::string_view code;
};
// On the wire for ever: add, never rename.
constexpr std::array<code_name, 10> codes{{{failure_reason::temp, "TEMP"},
                                           {failure_reason::perm, "PERM"},
                                           {failure_reason::quota, "QUOTA"},
                                           {failure_reason::no_user, "NOUSER"},
                                           {failure_reason::no_partition, "NOPRTN"},
                                           {failure_reason::moved, "MOVED"},
                                           {failure_reason::full, "FULL"},
                                           {failure_reason::too_big, "TOOBIG"},
                                           {failure_reason::denied, "DENIED"},
                                           {failure_reason::syntax, "SYNTAX"}}};

// Of a word that comes from the settings of a store, such as its version.
constexpr std::size_t longest_word = 200;

constexpr std::size_t usual_line = 160;
constexpr std::string_view end_of_line = "\r\n";

bool is_code(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool is_key(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

// A word inside the brackets: printable ASCII without space and "]".
bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return c > ' ' && c <= '~' && c != ']'; });
}

bool is_argument(std::string_view text) {
  return is_word(text) && text.find('=') == std::string_view::npos;
}

bool is_text(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return is_control(c); });
}

// One word after the code; false when it is against the grammar.
bool take_word(reply& r, std::string_view word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos) {
    // Arguments come before pairs.
    if (!is_argument(word) || !r.pairs.empty()) {
      return false;
    }
    r.arguments.emplace_back(word);
    return true;
  }
  const std::string_view key = word.substr(0, equals);
  const std::string_view value = word.substr(equals + 1);
  if (!is_key(key) || !is_word(value) || r.find(key) != nullptr) {
    return false;
  }
  r.pairs.emplace_back(key, value);
  return true;
}

// Code, arguments and pairs from `inside` (what stands between the brackets) into `r`.
bool take_brackets(reply& r, std::string_view inside) {
  std::size_t space = inside.find(' ');
  if (!is_code(inside.substr(0, space))) {
    return false;
  }
  r.code = std::string(inside.substr(0, space));
  while (space != std::string_view::npos) {
    inside.remove_prefix(space + 1);
    space = inside.find(' ');
    if (!take_word(r, inside.substr(0, space))) {
      return false;
    }
  }
  return true;
}

std::string assemble(const reply& r) {
  std::string line = r.ok ? "+OK" : "-ERR";
  line.reserve(usual_line);
  if (!r.code.empty()) {
    line += " [";
    line += r.code;
    for (const std::string& argument : r.arguments) {
      line += ' ';
      line += argument;
    }
    for (const auto& [key, value] : r.pairs) {
      line += ' ';
      line += key;
      line += '=';
      line += value;
    }
    line += ']';
  }
  if (!r.text.empty()) {
    line += ' ';
    line += r.text;
  }
  return line;
}

// At most `room` octets, not cut within a UTF-8 sequence.
void shorten(std::string& text, std::size_t room) {
  if (text.size() <= room) {
    return;
  }
  while (room > 0 && (static_cast<std::uint8_t>(text[room]) & 0xC0U) == 0x80U) {
    --room;
  }
  text.resize(room);
}

// "server/directory", short enough for any reply.
bool is_home(std::string_view text) {
  if (text.size() > longest_word) {
    return false;
  }
  const std::size_t slash = text.find('/');
  return slash != std::string_view::npos && is_name(text.substr(0, slash)) &&
         is_name(text.substr(slash + 1));
}

} // namespace

const std::string* reply::find(std::string_view key) const {
  for (const auto& pair : pairs) {
    if (pair.first == key) {
      return &pair.second;
    }
  }
  return nullptr;
}

result<std::string> encode_reply(const reply& r, const limits& l) {
  std::string line = assemble(r);
  const auto back = parse_reply(line);
  if (!back || *back != r) {
    return syntax_failure("this reply cannot be written in the storage protocol");
  }
  line += end_of_line;
  if (line.size() > l.line) {
    return syntax_failure("this reply is too long");
  }
  return line;
}

std::string write_reply(reply r, const limits& l) {
  std::erase_if(r.arguments, [](const std::string& a) { return !is_argument(a); });
  std::erase_if(r.pairs, [](const auto& p) { return !is_key(p.first) || !is_word(p.second); });
  std::replace_if(
      r.text.begin(), r.text.end(), [](char c) { return is_control(c); }, '?');
  if (r.code.empty() && r.text.starts_with('[')) {
    r.text.front() = '(';
  }
  std::string line = assemble(r);
  const auto is_too_long = [&] { return line.size() + end_of_line.size() > l.line; };
  // The load is a hint; whose result this is must stay readable.
  if (is_too_long() &&
      std::erase_if(r.pairs, [](const auto& p) { return p.first != "name"; }) != 0) {
    line = assemble(r);
  }
  if (is_too_long()) {
    const std::size_t surplus = line.size() + end_of_line.size() - l.line;
    shorten(r.text, r.text.size() > surplus ? r.text.size() - surplus : 0);
    line = assemble(r);
  }
  line += end_of_line;
  return line;
}

result<reply> parse_reply(std::string_view line) {
  reply r;
  r.ok = line.starts_with("+OK");
  if (!r.ok && !line.starts_with("-ERR")) {
    return syntax_failure("a reply begins with +OK or -ERR");
  }
  line.remove_prefix(r.ok ? 3 : 4);
  if (!is_text(line)) {
    return syntax_failure("a reply holds a control character");
  }
  if (line.empty()) {
    return r;
  }
  if (line.front() != ' ') {
    return syntax_failure("a space must follow +OK or -ERR");
  }
  line.remove_prefix(1);
  const std::size_t end = line.find(']');
  if (line.starts_with('[') && end != std::string_view::npos &&
      (end + 1 == line.size() || line[end + 1] == ' ')) {
    reply with_code{.ok = r.ok, .code = {}, .arguments = {}, .pairs = {}, .text = {}};
    if (take_brackets(with_code, line.substr(1, end - 1))) {
      with_code.text = std::string(line.substr(std::min(end + 2, line.size())));
      return with_code;
    }
  }
  r.text = std::string(line);
  return r;
}

std::string_view code_of(failure_reason reason) {
  for (const code_name& entry : codes) {
    if (entry.reason == reason) {
      return entry.code;
    }
  }
  return "TEMP";
}

std::optional<failure_reason> reason_of(std::string_view code) {
  for (const code_name& entry : codes) {
    if (entry.code == code) {
      return entry.reason;
    }
  }
  return std::nullopt;
}

reply reply_for(const failure& f) {
  reply r;
  r.code = std::string(code_of(f.reason));
  if (f.reason == failure_reason::moved && is_home(f.detail)) {
    r.arguments.push_back(f.detail);
  }
  r.text = escape(f.what);
  return r;
}

failure failure_from(const reply& r, std::string_view text) {
  failure f;
  f.reason = reason_of(r.code).value_or(failure_reason::temp);
  const bool permanent = f.reason == failure_reason::perm || f.reason == failure_reason::no_user ||
                         f.reason == failure_reason::too_big;
  f.kind = permanent ? failure_kind::permanent : failure_kind::transient;
  f.what = text.empty() ? "refused by the store" : escape(text);
  f.cause = "the store answered: " + escape(assemble(r));
  if (f.reason == failure_reason::moved && r.arguments.size() == 1 && is_home(r.arguments[0])) {
    f.detail = r.arguments[0];
  }
  return f;
}

void add_load(reply& r, const load_figures& load) {
  r.pairs.emplace_back("busy", fmt::to_string(std::min(load.busy_percent, 100U)));
  r.pairs.emplace_back("sessions", fmt::to_string(load.sessions));
  r.pairs.emplace_back("free", fmt::to_string(load.free.octets));
  r.pairs.emplace_back("total", fmt::to_string(load.total.octets));
  if (is_name(load.version) && load.version.size() <= longest_word) {
    r.pairs.emplace_back("version", load.version);
  }
}

std::optional<load_figures> load_from(const reply& r) {
  load_figures load;
  const auto number = [&](std::string_view key) -> std::optional<std::uint64_t> {
    const std::string* value = r.find(key);
    if (value == nullptr) {
      return std::nullopt;
    }
    const auto parsed = parse_number(*value);
    return parsed ? std::optional(*parsed) : std::nullopt;
  };
  const auto busy = number("busy");
  if (!busy || *busy > 100) {
    return std::nullopt;
  }
  load.busy_percent = static_cast<unsigned>(*busy);
  load.sessions = number("sessions").value_or(0);
  load.free.octets = number("free").value_or(0);
  load.total.octets = number("total").value_or(0);
  if (const std::string* version = r.find("version"); version != nullptr && is_name(*version)) {
    load.version = *version;
  }
  return load;
}

} // namespace homeward::store_protocol
