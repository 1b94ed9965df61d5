#include "admin/import_file.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "lib/base/escape.hpp"
#include "lib/config/nearest.hpp"
#include "lib/config/value.hpp"
#include "lib/mail/address.hpp"

namespace homeward::admin {

namespace {

// Collects entries, and complains about a mailbox that is there twice.
class collector {
 public:
  explicit collector(const import_rules& rules) : rules_(rules) {}

  void problem(std::size_t line, std::string what) {
    list.problems.push_back({line, std::move(what)});
  }

  // The canonical mailbox of a name, or a complaint.
  std::optional<std::string> mailbox(std::size_t line, std::string_view text) {
    auto parsed = mail::parse_address(text, mail::charset::utf8);
    if (parsed.has_error()) {
      problem(line, fmt::format("\"{}\" is not a mailbox: {}", escape(text, 80),
                                mail::words(parsed.error())));
      return std::nullopt;
    }
    if (parsed->domain.empty()) {
      parsed->domain = rules_.domain;
    }
    return rules_.addresses.canonical(*parsed);
  }

  void add(import_entry entry) {
    const auto [first, is_new] = lines_.emplace(entry.mailbox, entry.line);
    if (!is_new) {
      problem(entry.line, fmt::format("{} is there twice, first in line {}",
                                      escape(entry.mailbox, 120), first->second));
      return;
    }
    list.entries.push_back(std::move(entry));
  }

  import_list list;

 private:
  const import_rules& rules_;
  std::map<std::string, std::size_t> lines_;
};

std::string_view without_mark(std::string_view text) {
  return text.starts_with("\xEF\xBB\xBF") ? text.substr(3) : text;
}

std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  return line;
}

std::vector<std::string_view> split(std::string_view line, char at) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = line.find(at);
    parts.push_back(line.substr(0, end));
    if (end == std::string_view::npos) {
      return parts;
    }
    line.remove_prefix(end + 1);
  }
}

// ---- CSV ----

using cells = std::vector<std::string>;

// One record, which may go over several lines inside quotes. `line` is moved on. Nothing when a
// quote is never closed or something follows it.
std::optional<cells> take_record(std::string_view& text, std::size_t& line) {
  cells record(1);
  bool quoted = false;
  bool was_quoted = false;
  bool good = true;
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    line += c == '\n' ? 1U : 0U;
    if (quoted) {
      if (c != '"') {
        record.back() += c;
      } else if (at + 1 < text.size() && text[at + 1] == '"') {
        record.back() += c;
        ++at;
      } else {
        quoted = false;
        was_quoted = true;
      }
    } else if (c == '"' && record.back().empty() && !was_quoted) {
      quoted = true;
    } else if (c == ',') {
      record.emplace_back();
      was_quoted = false;
    } else if (c == '\n') {
      ++at;
      break;
    } else if (c != '\r') {
      good = good && !was_quoted;
      record.back() += c;
    }
  }
  // A record that ends with the text and not with a line end counts as a line as well.
  line += text.substr(0, at).ends_with('\n') ? 0U : 1U;
  text.remove_prefix(at);
  return good && !quoted ? std::optional(std::move(record)) : std::nullopt;
}

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  const auto last = text.find_last_not_of(" \t");
  return first == std::string_view::npos ? "" : std::string(text.substr(first, last - first + 1));
}

constexpr std::array<std::string_view, 5> known_columns = {"mailbox", "home", "secondary", "quota",
                                                           "state"};

// The columns that a first line names; nothing, after complaints, when it names unknown ones.
std::optional<cells> header(const cells& record, collector& into) {
  cells columns;
  for (const auto& cell : record) {
    const std::string name = trimmed(cell);
    if (std::find(known_columns.begin(), known_columns.end(), name) == known_columns.end()) {
      const std::string near =
          config::nearest_name(name, {known_columns.begin(), known_columns.end()});
      into.problem(1,
                   fmt::format("there is no column \"{}\"{}; known are mailbox, home, secondary, "
                               "quota and state",
                               escape(name, 40),
                               near.empty() ? "" : fmt::format(" (did you mean {}?)", near)));
      return std::nullopt;
    }
    columns.push_back(name);
  }
  return columns;
}

// Puts one cell into the entry. The complaint, or "".
std::string put_cell(const std::string& column, const std::string& cell, import_entry& entry) {
  if (column == "quota") {
    const auto octets = config::parse_size(cell);
    if (!octets) {
      return fmt::format("\"{}\" is not a quota; write it as 500 MiB or 5 GiB", escape(cell, 40));
    }
    entry.quota = byte_count{*octets};
  } else if (column == "state") {
    const auto state = directory::parse_user_state(cell);
    if (!state) {
      return fmt::format("\"{}\" is not a state; write active or disabled", escape(cell, 40));
    }
    entry.state = *state;
  } else if (column == "home" || column == "secondary") {
    const auto id = directory::parse_partition_id(cell);
    if (id.has_error()) {
      return fmt::format("\"{}\" is not a partition; write it as SERVER/DIRECTORY",
                         escape(cell, 80));
    }
    (column == "home" ? entry.home : entry.secondary) = *id;
  }
  return {};
}

void add_record(std::size_t line, const cells& record, const cells& columns, collector& into) {
  import_entry entry{.line = line};
  if (record.size() > columns.size()) {
    into.problem(line, fmt::format("there are {} columns where {} were expected", record.size(),
                                   columns.size()));
    return;
  }
  for (std::size_t i = 0; i < record.size(); ++i) {
    const std::string cell = trimmed(record[i]);
    if (columns[i] == "mailbox") {
      const auto name = into.mailbox(line, cell);
      if (!name) {
        return;
      }
      entry.mailbox = *name;
    } else if (!cell.empty()) {
      if (std::string wrong = put_cell(columns[i], cell, entry); !wrong.empty()) {
        into.problem(line, std::move(wrong));
        return;
      }
    }
  }
  if (entry.mailbox.empty()) {
    into.problem(line, "there is no mailbox in this line");
    return;
  }
  into.add(std::move(entry));
}

} // namespace

import_list read_passwd(std::string_view text, const import_rules& rules) {
  collector into(rules);
  text = without_mark(text);
  for (std::size_t line = 1; !text.empty(); ++line) {
    const auto content = take_line(text);
    if (content.empty() || content.front() == '#' || content.front() == '+' ||
        content.front() == '-') {
      continue;
    }
    const auto fields = split(content, ':');
    std::uint64_t uid = 0;
    if (fields.size() != 7) {
      into.problem(line, fmt::format("there are {} fields where passwd has 7", fields.size()));
      continue;
    }
    const auto [end, error] =
        std::from_chars(fields[2].data(), fields[2].data() + fields[2].size(), uid);
    if (error != std::errc{} || end != fields[2].data() + fields[2].size()) {
      into.problem(line, fmt::format("\"{}\" is not a user number", escape(fields[2], 40)));
      continue;
    }
    if (uid < rules.min_uid || uid > rules.max_uid) {
      ++into.list.passed_over;
      continue;
    }
    if (const auto name = into.mailbox(line, fields[0])) {
      into.add({.line = line, .mailbox = *name});
    }
  }
  return std::move(into.list);
}

import_list read_csv(std::string_view text, const import_rules& rules) {
  collector into(rules);
  text = without_mark(text);
  cells columns(known_columns.begin(), known_columns.end());
  bool is_first = true;
  for (std::size_t line = 1; !text.empty();) {
    const std::size_t begin = line;
    if (text.front() == '#') {
      (void)take_line(text);
      ++line;
      continue;
    }
    const auto record = take_record(text, line);
    if (!record) {
      into.problem(begin,
                   "a quote is not closed, or something follows it; write \"a \"\"quoted\"\" "
                   "word\"");
      continue;
    }
    if (record->size() == 1 && trimmed(record->front()).empty()) {
      continue;
    }
    if (is_first && trimmed(record->front()) == "mailbox") {
      auto named = header(*record, into);
      if (!named) {
        return std::move(into.list);
      }
      columns = std::move(*named);
    } else {
      add_record(begin, *record, columns, into);
    }
    is_first = false;
  }
  return std::move(into.list);
}

} // namespace homeward::admin
