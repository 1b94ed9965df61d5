#include "lib/maildir/path_template.hpp"

#include <array>
#include <cstdint>
#include <utility>

#include "lib/base/digest.hpp"
#include "lib/base/escape.hpp"

namespace homeward::maildir {

namespace {

struct code_range {
  std::uint32_t first;
  std::uint32_t last;
};

// Code points that nobody should meet unseen in a directory name: controls, spaces, marks that
// change direction or join, variation selectors, private and unassigned-by-design areas. Part of
// the disk format: a change would move mailboxes.
constexpr std::array<code_range, 16> hidden_ranges = {{{0x80, 0xA0},
                                                       {0xAD, 0xAD},
                                                       {0x061C, 0x061C},
                                                       {0x115F, 0x1160},
                                                       {0x1680, 0x1680},
                                                       {0x180B, 0x180F},
                                                       {0x2000, 0x206F},
                                                       {0x2800, 0x2800},
                                                       {0x3000, 0x3000},
                                                       {0x3164, 0x3164},
                                                       {0xD800, 0xF8FF},
                                                       {0xFDD0, 0xFDEF},
                                                       {0xFE00, 0xFE0F},
                                                       {0xFEFF, 0xFEFF},
                                                       {0xFFA0, 0xFFA0},
                                                       {0xFFF0, 0xFFFF}}};

bool is_hidden(std::uint32_t code) {
  for (const code_range& range : hidden_ranges) {
    if (code >= range.first && code <= range.last) {
      return true;
    }
  }
  return code >= 0xE0000;
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '+' ||
         c == '=' || c == '-';
}

std::uint8_t octet_at(std::string_view text, std::size_t i) {
  return i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0};
}

// Octets of the well-formed, visible code point beyond ASCII at `i` (RFC 3629 4), or 0.
std::size_t visible_sequence(std::string_view text, std::size_t i) {
  const std::uint8_t lead = octet_at(text, i);
  std::size_t length = 0;
  std::uint32_t code = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
    code = lead & 0x1FU;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    code = lead & 0x0FU;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    code = lead & 0x07U;
  } else {
    return 0;
  }
  for (std::size_t k = 1; k < length; ++k) {
    const std::uint8_t next = octet_at(text, i + k);
    if ((next & 0xC0U) != 0x80U) {
      return 0;
    }
    code = (code << 6U) | (next & 0x3FU);
  }
  constexpr std::array<std::uint32_t, 5> smallest = {0, 0, 0x80, 0x800, 0x10000};
  return code < smallest[length] || is_hidden(code) ? 0 : length;
}

void append_escaped(std::string& out, char c) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const auto octet = static_cast<std::uint8_t>(c);
  out += '%';
  out += digits[octet >> 4U];
  out += digits[octet & 0x0FU];
}

// Two digits spread the mailboxes over 256 directories.
std::string hash_of(std::string_view mailbox) {
  sha256 digest;
  digest.update(mailbox);
  return to_hex(digest.finish(), 1);
}

failure template_failure(std::string_view text, std::string_view why) {
  failure f = transient_failure("the path template of the partition is wrong");
  f.cause = "\"" + escape(text) + "\": " + std::string(why);
  f.advice = "Use a relative path such as \"" + std::string(default_path_template) +
             "\" with the placeholders {domain}, {local} and {hash}.";
  return f;
}

// What is wrong with the components of a template whose placeholders are known to be good, or "".
std::string_view fault_of_components(std::string_view text) {
  std::size_t start = 0;
  for (;;) {
    const std::size_t slash = text.find('/', start);
    const std::string_view component = text.substr(start, slash - start);
    if (component.empty()) {
      return "it has an empty component, or begins or ends with '/'";
    }
    if (component.front() == '.') {
      return "a component begins with a dot";
    }
    if (component.size() > max_component) {
      return "a component is longer than 255 octets";
    }
    if (slash == std::string_view::npos) {
      return {};
    }
    start = slash + 1;
  }
}

failure mailbox_failure(std::string_view why) {
  return permanent_failure(failure_reason::perm, std::string(why));
}

} // namespace

std::string encode_component(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::size_t i = 0;
  while (i < text.size()) {
    const char c = text[i];
    if (is_plain(c) && !(i == 0 && c == '.')) {
      out += c;
      ++i;
    } else if (const std::size_t length = visible_sequence(text, i); length > 0) {
      out += text.substr(i, length);
      i += length;
    } else {
      append_escaped(out, c);
      ++i;
    }
  }
  return out;
}

path_template::path_template() {
  text_ = default_path_template;
  parts_ = {{part_kind::domain, ""},
            {part_kind::literal, "/"},
            {part_kind::local, ""},
            {part_kind::literal, "/Maildir"}};
}

result<path_template> path_template::parse(std::string_view text) {
  path_template made;
  made.text_ = text;
  made.parts_.clear();
  bool has_local = false;
  std::size_t i = 0;
  while (i < text.size()) {
    if (text[i] == '{') {
      const std::size_t end = text.find('}', i);
      const std::string_view word =
          end == std::string_view::npos ? text.substr(i) : text.substr(i, end + 1 - i);
      part p;
      if (word == "{domain}") {
        p.kind = part_kind::domain;
      } else if (word == "{local}") {
        p.kind = part_kind::local;
        has_local = true;
      } else if (word == "{hash}") {
        p.kind = part_kind::hash;
      } else {
        return template_failure(text, "unknown placeholder " + escape(word));
      }
      made.parts_.push_back(std::move(p));
      i += word.size();
      continue;
    }
    const bool upper = text[i] >= 'A' && text[i] <= 'Z';
    if (!upper && !is_plain(text[i]) && text[i] != '/') {
      return template_failure(text, "only letters, digits, \"._+=-\" and '/' are allowed in it");
    }
    if (made.parts_.empty() || made.parts_.back().kind != part_kind::literal) {
      made.parts_.push_back({});
    }
    made.parts_.back().literal += text[i];
    ++i;
  }
  if (const std::string_view fault = fault_of_components(text); !fault.empty()) {
    return template_failure(text, fault);
  }
  if (!has_local) {
    return template_failure(text, "{local} is missing, all mailboxes would share one Maildir");
  }
  return made;
}

result<std::string> path_template::expand(std::string_view mailbox) const {
  const std::size_t at = mailbox.rfind('@');
  const std::string_view local = mailbox.substr(0, at);
  const std::string_view domain =
      at == std::string_view::npos ? std::string_view("_") : mailbox.substr(at + 1);
  if (local.empty() || domain.empty()) {
    return mailbox_failure("the mailbox name lacks its local part or its domain");
  }
  std::string path;
  for (const part& p : parts_) {
    switch (p.kind) {
    case part_kind::literal: path += p.literal; break;
    case part_kind::domain: path += encode_component(domain); break;
    case part_kind::local: path += encode_component(local); break;
    case part_kind::hash: path += hash_of(mailbox); break;
    }
  }
  std::size_t start = 0;
  while (start < path.size()) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    if (end - start > max_component) {
      return mailbox_failure("the mailbox name is too long for a file system");
    }
    start = end + 1;
  }
  return path;
}

} // namespace homeward::maildir
