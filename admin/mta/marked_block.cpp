#include "admin/mta/marked_block.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace homeward::admin::mta {

namespace {

bool is_mark(std::string_view line, comment_style style, std::string_view mark) {
  if (!line.starts_with(style.sign)) {
    return false;
  }
  line.remove_prefix(style.sign.size());
  return line == mark || (line.starts_with(mark) && line[mark.size()] == ' ');
}

// Whether the word stands at the head of the line, as m4 would call it: not in a comment.
bool calls(std::string_view line, std::string_view macro) {
  const auto first = line.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return false;
  }
  line.remove_prefix(first);
  if (!line.starts_with(macro)) {
    return false;
  }
  line.remove_prefix(macro.size());
  return line.empty() || line.front() == '(' || line.front() == ' ' || line.front() == '\t' ||
         line.starts_with("dnl");
}

// Our blocks as ranges of lines, or nothing when a mark has no partner.
std::optional<std::vector<std::pair<std::size_t, std::size_t>>>
find_blocks(const std::vector<std::string>& lines, comment_style style) {
  std::vector<std::pair<std::size_t, std::size_t>> found;
  std::optional<std::size_t> begin;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (is_mark(lines[i], style, block_begin)) {
      if (begin) {
        return std::nullopt;
      }
      begin = i;
    } else if (is_mark(lines[i], style, block_end)) {
      if (!begin) {
        return std::nullopt;
      }
      found.emplace_back(*begin, i);
      begin.reset();
    }
  }
  if (begin) {
    return std::nullopt;
  }
  return found;
}

std::string ended(std::string_view text) {
  std::string whole(text);
  if (!whole.empty() && !whole.ends_with('\n')) {
    whole += '\n';
  }
  return whole;
}

} // namespace

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

std::string join_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) {
    text += line + '\n';
  }
  return text;
}

bool has_broken_block(std::string_view text, comment_style style) {
  return !find_blocks(split_lines(text), style);
}

std::string without_blocks(std::string_view text, comment_style style) {
  auto lines = split_lines(text);
  const auto blocks = find_blocks(lines, style);
  if (!blocks || blocks->empty()) {
    return std::string(text);
  }
  for (auto block = blocks->rbegin(); block != blocks->rend(); ++block) {
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(block->first),
                lines.begin() + static_cast<std::ptrdiff_t>(block->second) + 1);
  }
  std::string rest = join_lines(lines);
  if (!text.ends_with('\n') && !rest.empty()) {
    rest.pop_back();
  }
  return rest;
}

std::string block_of(const std::vector<std::string>& lines, comment_style style,
                     std::string_view name) {
  const std::string of = name.empty() ? "" : fmt::format(" {}", name);
  return fmt::format("{}{}{} (written by `homewardctl mta apply`: do not edit)\n{}{}{}{}\n",
                     style.sign, block_begin, of, join_lines(lines), style.sign, block_end, of);
}

std::string with_block_at_end(std::string_view text, const std::vector<std::string>& lines,
                              comment_style style) {
  const std::string rest = without_blocks(text, style);
  return lines.empty() ? rest : ended(rest) + block_of(lines, style);
}

std::optional<mc_places> find_mc_places(const std::vector<std::string>& lines) {
  std::optional<std::size_t> first;
  std::optional<std::size_t> last;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const bool mailer = calls(lines[i], "MAILER");
    if (!first && (mailer || calls(lines[i], "MAILER_DEFINITIONS"))) {
      first = i;
    }
    if (mailer) {
      last = i + 1;
    }
  }
  if (!last) {
    return std::nullopt;
  }
  return mc_places{.features = *first, .mailers = *last};
}

std::optional<std::string> with_mc_blocks(std::string_view mc,
                                          const std::vector<std::string>& features,
                                          const std::vector<std::string>& mailers) {
  const std::string own = without_blocks(mc, m4_comments);
  if (features.empty() && mailers.empty()) {
    return own;
  }
  const auto lines = split_lines(own);
  const auto places = find_mc_places(lines);
  if (!places) {
    return std::nullopt;
  }
  std::string text;
  for (std::size_t i = 0; i <= lines.size(); ++i) {
    if (i == places->features && !features.empty()) {
      text += block_of(features, m4_comments, "features");
    }
    if (i == places->mailers && !mailers.empty()) {
      text += block_of(mailers, m4_comments, "mailers");
    }
    if (i < lines.size()) {
      text += lines[i];
      text += i + 1 < lines.size() || own.ends_with('\n') || i < places->mailers ? "\n" : "";
    }
  }
  return text;
}

std::string table_key(std::string_view line) {
  if (line.empty() || line.front() == '#' || line.front() == ' ' || line.front() == '\t') {
    return "";
  }
  std::string key(line.substr(0, line.find_first_of(" \t")));
  std::transform(key.begin(), key.end(), key.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return key;
}

std::string with_keys_set_aside(std::string_view table, const std::vector<std::string>& keys) {
  auto lines = split_lines(table);
  for (auto& line : lines) {
    if (line.starts_with(set_aside)) {
      line.erase(0, set_aside.size());
    }
    const std::string key = table_key(line);
    if (!key.empty() && std::find(keys.begin(), keys.end(), key) != keys.end()) {
      line.insert(0, set_aside);
    }
  }
  std::string text = join_lines(lines);
  if (!table.ends_with('\n') && !text.empty()) {
    text.pop_back();
  }
  return text;
}

} // namespace homeward::admin::mta
