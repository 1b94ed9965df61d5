#include "tests/transcripts/runner/transcript.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <fmt/format.h>

namespace homeward::transcripts {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::string read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    throw std::runtime_error(fmt::format("{}: cannot be read", file.string()));
  }
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string with_crlf(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += '\r';
    }
    out += c;
  }
  return out;
}

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "354", "250 2.1.5", "+OK", "-ERR [TEMP]": a code without words.
bool is_only_a_code(std::string_view pattern) {
  const std::string_view first = pattern.substr(0, pattern.find(' '));
  const std::string_view rest = trimmed(pattern.substr(first.size()));
  if (is_number(first)) {
    return rest.find_first_not_of("0123456789.") == std::string_view::npos;
  }
  return (first == "+OK" || first == "-ERR") &&
         (rest.empty() || (rest.front() == '[' && rest.find(']') == rest.size() - 1));
}

// Reads one file line by line; throws with the place of what it does not understand.
class reader {
 public:
  explicit reader(const std::filesystem::path& file) { result_.file = file; }

  transcript read() {
    const std::string text = read_file(result_.file);
    std::string_view rest = text;
    while (!rest.empty()) {
      const std::string_view one = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(one.size() + 1, rest.size()));
      ++line_;
      take(one);
    }
    if (line_ == 0) {
      fail("the file is empty");
    }
    return std::move(result_);
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw std::runtime_error(fmt::format("{}:{}: {}", result_.file.string(), line_, what));
  }

  void take(std::string_view one) {
    if (line_ == 1) {
      const std::size_t at = one.find("why:");
      if (!one.starts_with('#') || at == std::string_view::npos) {
        fail("the first line must be a comment with 'why:'");
      }
      result_.why = trimmed(one.substr(at + 4));
      return;
    }
    if (trimmed(one).empty() || one.starts_with('#')) {
      return;
    }
    const bool is_step = one.size() >= 2 &&
                         std::string_view("CSEM").find(one[0]) != std::string_view::npos &&
                         (one[1] == ':' || one[1] == '=');
    if (is_step) {
      take_step(one[0], one[1] == '=', one.substr(one.size() > 2 && one[2] == ' ' ? 3 : 2));
    } else if (result_.steps.empty()) {
      take_header(one);
    } else {
      fail("a line must begin with C: S: E: or M:");
    }
  }

  void take_header(std::string_view one) {
    std::string_view keyword = one.substr(0, one.find(' '));
    const std::string_view rest = trimmed(one.substr(keyword.size()));
    if (keyword.ends_with(':')) {
      keyword.remove_suffix(1);
    }
    result_.headers.push_back({std::string(keyword), std::string(rest), line_});
  }

  void take_step(char who, bool escaped, std::string_view text) {
    switch (who) {
    case 'C': take_client(escaped, text); break;
    case 'S': take_server(text); break;
    case 'E': add({.kind = step_kind::event, .text = std::string(trimmed(text))}); break;
    default:
      add({.kind = step_kind::message,
           .text = escaped ? unescape(text) : std::string(trimmed(text)),
           .exact = escaped});
    }
  }

  void take_client(bool escaped, std::string_view text) {
    std::string_view answer;
    if (const std::size_t at = text.rfind(" -> "); at != std::string_view::npos) {
      answer = trimmed(text.substr(at + 4));
      text = text.substr(0, text.find_last_not_of(' ', at) + 1);
    }
    if (escaped) {
      add({.kind = step_kind::client, .octets = unescape(text)});
    } else if (text == "<close>") {
      add({.kind = step_kind::client_close});
    } else if (text.starts_with("<body ") && text.ends_with('>')) {
      const std::string name(text.substr(6, text.size() - 7));
      add({.kind = step_kind::client_body,
           .octets = with_crlf(read_file(result_.file.parent_path() / name)),
           .text = name});
    } else {
      add({.kind = step_kind::client, .octets = std::string(text) + "\r\n"});
    }
    if (!answer.empty()) {
      take_server(answer);
    }
  }

  void take_server(std::string_view text) {
    if (text == "<closed>") {
      add({.kind = step_kind::server_close});
      return;
    }
    std::string pattern(text);
    if (is_only_a_code(trimmed(text))) {
      pattern = std::string(trimmed(text)) + " ...";
    }
    add({.kind = step_kind::server, .pattern = std::move(pattern)});
  }

  void add(step s) {
    s.line = line_;
    result_.steps.push_back(std::move(s));
  }

  // The octet at the start of `text`, which may be an escape; takes it off.
  char take_octet(std::string_view& text) const {
    const char c = text.front();
    text.remove_prefix(1);
    if (c != '\\') {
      return c;
    }
    if (text.empty()) {
      fail("a backslash at the end");
    }
    const char kind = text.front();
    text.remove_prefix(1);
    switch (kind) {
    case 'r': return '\r';
    case 'n': return '\n';
    case 't': return '\t';
    case '0': return '\0';
    case '\\': return '\\';
    case 'x': {
      const std::string_view digits = text.substr(0, 2);
      unsigned octet = 0;
      const auto [end, fault] =
          std::from_chars(digits.data(), digits.data() + digits.size(), octet, 16);
      if (fault != std::errc{} || digits.size() != 2 || end != digits.data() + 2) {
        fail("\\x needs two hexadecimal digits");
      }
      text.remove_prefix(2);
      return static_cast<char>(octet);
    }
    default: fail("unknown escape");
    }
  }

  std::string unescape(std::string_view text) const {
    std::string out;
    while (!text.empty()) {
      std::size_t count = 1;
      if (text.starts_with("\\{")) {
        const std::size_t end = text.find('}');
        if (end == std::string_view::npos || end + 1 == text.size() ||
            !is_number(text.substr(2, end - 2))) {
          fail("\\{N} needs a number and an octet to repeat");
        }
        count = std::stoul(std::string(text.substr(2, end - 2)));
        text.remove_prefix(end + 1);
      }
      out.append(count, take_octet(text));
    }
    return out;
  }

  transcript result_;
  std::size_t line_ = 0;
};

// The three digits of an SMTP reply line, empty if it is none.
std::string_view code_of(std::string_view line) {
  return line.size() >= 3 && is_number(line.substr(0, 3)) ? line.substr(0, 3) : std::string_view{};
}

bool is_continuation(std::string_view line) {
  return line.size() >= 4 && line[3] == '-' && !code_of(line).empty();
}

} // namespace

transcript read_transcript(const std::filesystem::path& file) {
  return reader(file).read();
}

std::vector<std::filesystem::path> find_transcripts(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().extension() == ".t") {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool matches(std::string_view pattern, std::string_view line) {
  constexpr std::string_view any = "...";
  if (pattern.ends_with(" ...") && pattern.substr(0, pattern.size() - 4) == line) {
    return true;
  }
  const std::size_t gap = pattern.find(any);
  if (gap == std::string_view::npos) {
    return pattern == line;
  }
  if (!line.starts_with(pattern.substr(0, gap))) {
    return false;
  }
  pattern.remove_prefix(gap + any.size());
  line.remove_prefix(gap);
  for (std::size_t skipped = 0; skipped <= line.size(); ++skipped) {
    if (matches(pattern, line.substr(skipped))) {
      return true;
    }
  }
  return false;
}

std::string compare(const std::vector<std::string>& patterns,
                    const std::vector<std::string>& lines) {
  std::size_t at = 0;
  for (const std::string& pattern : patterns) {
    while (at < lines.size() && !matches(pattern, lines[at]) && is_continuation(lines[at]) &&
           code_of(lines[at]) == code_of(pattern)) {
      ++at;
    }
    if (at == lines.size()) {
      return fmt::format("expected `{}`, but the server said no more", pattern);
    }
    if (!matches(pattern, lines[at])) {
      return fmt::format("expected `{}`, got `{}`", pattern, lines[at]);
    }
    ++at;
  }
  return at == lines.size() ? std::string{} : fmt::format("not expected: `{}`", lines[at]);
}

std::vector<std::string> split_lines(std::string_view octets) {
  std::vector<std::string> lines;
  while (!octets.empty()) {
    const std::size_t end = octets.find("\r\n");
    if (end == std::string_view::npos) {
      lines.push_back(std::string(octets) + "<no end>");
      break;
    }
    lines.emplace_back(octets.substr(0, end));
    octets.remove_prefix(end + 2);
  }
  return lines;
}

} // namespace homeward::transcripts
