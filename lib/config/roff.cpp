#include "lib/config/roff.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace homeward::config::roff {

namespace {

// Of the pages, set with each release; a page must not differ from one build to the next.
constexpr std::string_view date = "2026-11-20";

void append(std::string& out, char c) {
  switch (c) {
  case '\\': out += "\\e"; break;
  case '-': out += "\\-"; break;
  case '\'': out += "\\(aq"; break;
  case '^': out += "\\(ha"; break;
  case '~': out += "\\(ti"; break;
  case '\n': out += ' '; break;
  default: out += c; break;
  }
}

std::string escaped(std::string_view words) {
  std::string out;
  for (const char c : words) {
    append(out, c);
  }
  return out.starts_with('.') ? "\\&" + out : out;
}

// One paragraph: its indented lines are kept in blocks of their own, the others are filled.
std::string body(std::string_view paragraph) {
  std::string out;
  std::string filled;
  bool verbatim = false;
  const auto end_filled = [&] {
    out += filled.empty() ? "" : text(filled) + '\n';
    filled.clear();
  };
  while (!paragraph.empty()) {
    const auto end = std::min(paragraph.find('\n'), paragraph.size());
    const auto line = paragraph.substr(0, end);
    paragraph.remove_prefix(std::min(end + 1, paragraph.size()));
    const bool indented = line.starts_with(' ');
    if (indented != verbatim) {
      end_filled();
      out += indented ? ".nf\n" : ".fi\n";
      verbatim = indented;
    }
    if (indented) {
      out += escaped(line) + '\n';
    } else {
      filled += (filled.empty() ? "" : " ") + std::string(line);
    }
  }
  end_filled();
  return verbatim ? out + ".fi\n" : out;
}

} // namespace

std::string text(std::string_view words) {
  std::string out;
  bool bold = false;
  for (const char c : words) {
    if (c == '`') {
      bold = !bold;
      out += bold ? "\\fB" : "\\fR";
    } else {
      append(out, c);
    }
  }
  if (bold) {
    out += "\\fR";
  }
  return out.starts_with('.') ? "\\&" + out : out;
}

std::string argument(std::string_view words) {
  std::string out = text(words);
  for (std::size_t at = out.find('"'); at != std::string::npos; at = out.find('"', at + 4)) {
    out.replace(at, 1, "\\(dq");
  }
  return '"' + out + '"';
}

std::string literal(std::string_view words) {
  return "\\fB" + escaped(words) + "\\fR";
}

std::string title(std::string_view name, int section) {
  std::string upper(name);
  std::transform(upper.begin(), upper.end(), upper.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return fmt::format(".TH {} {} {} \"Homeward {}\" \"Homeward\"\n", argument(upper), section, date,
                     HOMEWARD_VERSION);
}

std::string item(std::string_view name, std::string_view facts) {
  return ".TP\n" + literal(name) + ' ' + text(facts) + '\n';
}

std::string paragraphs(std::string_view plain, std::string_view request) {
  std::string out;
  while (!plain.empty()) {
    const auto gap = std::min(plain.find("\n\n"), plain.size());
    if (!out.empty()) {
      out += std::string(request) + '\n';
    }
    out += body(plain.substr(0, gap));
    plain.remove_prefix(std::min(gap + 2, plain.size()));
  }
  return out;
}

} // namespace homeward::config::roff
