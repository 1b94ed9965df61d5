#include "admin/mta/value_list.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "admin/mta/marked_block.hpp"

namespace homeward::admin::mta {

namespace {

constexpr std::string_view separators = ", \t\r\n";

// A word of a list and where it stands.
struct word {
  std::size_t begin = 0;
  std::size_t end = 0; // one past the last octet
};

bool begins_comment(std::string_view text, std::size_t at) {
  return text[at] == '#' && (at == 0 || text[at - 1] == '\n');
}

// The words from `from` on. Lines that begin with # are comments, also between continuation lines.
std::vector<word> find_words(std::string_view text, std::size_t from) {
  std::vector<word> words;
  std::size_t i = from;
  while (i < text.size()) {
    if (begins_comment(text, i)) {
      i = std::min(text.find('\n', i), text.size());
      continue;
    }
    if (separators.find(text[i]) != std::string_view::npos) {
      ++i;
      continue;
    }
    const std::size_t begin = i;
    int depth = 0;
    while (i < text.size() && (depth > 0 || separators.find(text[i]) == std::string_view::npos)) {
      depth += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
      ++i;
    }
    words.push_back({begin, i});
  }
  return words;
}

std::string spelled(std::string_view text, const word& w) {
  return std::string(text.substr(w.begin, w.end - w.begin));
}

// The index of the first word of `item` in the list, if it is there.
std::optional<std::size_t> find_item(std::string_view text, const std::vector<word>& words,
                                     std::string_view item) {
  const auto wanted = list_words(item);
  for (std::size_t i = 0; !wanted.empty() && i + wanted.size() <= words.size(); ++i) {
    bool same = true;
    for (std::size_t k = 0; same && k < wanted.size(); ++k) {
      same = spelled(text, words[i + k]) == wanted[k];
    }
    if (same) {
      return i;
    }
  }
  return std::nullopt;
}

// The logical line of a parameter: [begin, end) of the file, and where its value begins.
struct logical_line {
  std::size_t begin = 0;
  std::size_t value = 0;
  std::size_t end = 0; // behind the line end of the last line that belongs to it
};

bool continues(std::string_view line) {
  return !line.empty() && (line.front() == ' ' || line.front() == '\t') &&
         line.find_first_not_of(" \t\r") != std::string_view::npos;
}

// Postfix lets comments and empty lines stand between continuation lines (postconf(5)).
std::vector<std::pair<std::string, logical_line>> logical_lines(std::string_view text) {
  std::vector<std::pair<std::string, logical_line>> found;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    const auto line = text.substr(at, end - at);
    const auto first = line.find_first_not_of(" \t\r\n");
    if (first != std::string_view::npos && line.front() != '#') {
      if (continues(line) && !found.empty()) {
        found.back().second.end = end;
      } else if (const auto equals = line.find('='); equals != std::string_view::npos) {
        const auto name_end = line.find_last_not_of(" \t", equals == 0 ? 0 : equals - 1);
        found.emplace_back(std::string(line.substr(0, name_end + 1)),
                           logical_line{.begin = at, .value = at + equals + 1, .end = end});
      } else {
        found.emplace_back("", logical_line{.begin = at, .value = end, .end = end});
      }
    }
    at = end;
  }
  return found;
}

std::optional<logical_line> find_parameter(std::string_view text, std::string_view name) {
  std::optional<logical_line> last;
  for (const auto& [found, line] : logical_lines(text)) {
    if (found == name) {
      last = line;
    }
  }
  return last;
}

bool ends_a_list(const std::string& w) {
  return w == "permit" || w == "reject" || w == "defer" || w == "defer_if_reject";
}

// The index of the word before which the item goes; words.size() for the end.
std::size_t place_in(std::string_view text, const std::vector<word>& words, list_place place) {
  if (place == list_place::front || words.empty()) {
    return 0;
  }
  if (place == list_place::restriction) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (spelled(text, words[i]) == "reject_unauth_destination") {
        return i + 1;
      }
    }
    if (ends_a_list(spelled(text, words.back()))) {
      return words.size() - 1;
    }
  }
  return words.size();
}

// How the list sets its items apart: on lines of their own, or with ", ".
std::string between(std::string_view text, const std::vector<word>& words) {
  if (words.size() > 1) {
    const auto gap = text.substr(words[0].end, words[1].begin - words[0].end);
    if (const auto line = gap.find('\n'); line != std::string_view::npos) {
      const auto indent = gap.substr(gap.rfind('\n') + 1);
      return fmt::format("{}\n{}", gap.find(',') == std::string_view::npos ? "" : ",", indent);
    }
  }
  return ", ";
}

std::string inserted(std::string_view text, const logical_line& line, std::string_view item,
                     list_place place) {
  const auto part = text.substr(0, line.end);
  const auto words = find_words(part, line.value);
  std::string out(text);
  if (words.empty()) {
    const auto end = out.find('\n', line.value);
    const auto at = end == std::string::npos ? out.size() : end;
    return out.replace(line.value, at - line.value, fmt::format(" {}", item));
  }
  const auto index = place_in(part, words, place);
  const auto gap = between(part, words);
  if (index < words.size()) {
    return out.insert(words[index].begin, fmt::format("{}{}", item, gap));
  }
  return out.insert(words.back().end, fmt::format("{}{}", gap, item));
}

} // namespace

std::vector<std::string> list_words(std::string_view value) {
  std::vector<std::string> words;
  for (const auto& w : find_words(value, 0)) {
    words.push_back(spelled(value, w));
  }
  return words;
}

bool holds_item(std::string_view value, std::string_view item) {
  return find_item(value, find_words(value, 0), item).has_value();
}

std::string with_list_item(std::string_view text, std::string_view name, std::string_view value,
                           std::string_view item, list_place place) {
  if (holds_item(value, item)) {
    return std::string(text);
  }
  if (const auto line = find_parameter(text, name)) {
    return inserted(text, *line, item, place);
  }
  std::string out(text);
  if (!out.empty() && !out.ends_with('\n')) {
    out += '\n';
  }
  const std::string list = fmt::format("{} = {}\n", name, value);
  return out + inserted(list,
                        logical_line{.begin = 0, .value = name.size() + 2, .end = list.size()},
                        item, place);
}

std::string without_list_item(std::string_view text, std::string_view name, std::string_view item,
                              bool remove_if_empty) {
  std::string out(text);
  const auto line = find_parameter(text, name);
  if (!line) {
    return out;
  }
  const auto words = find_words(text.substr(0, line->end), line->value);
  const auto at = find_item(text, words, item);
  if (!at) {
    return out;
  }
  const auto count = list_words(item).size();
  if (count == words.size()) {
    return remove_if_empty ? out.erase(line->begin, line->end - line->begin)
                           : out.erase(words.front().begin, words.back().end - words.front().begin);
  }
  if (*at + count < words.size()) {
    return out.erase(words[*at].begin, words[*at + count].begin - words[*at].begin);
  }
  const auto from = words[*at - 1].end;
  return out.erase(from, words.back().end - from);
}

std::vector<parameter> parse_main_cf(std::string_view text) {
  std::vector<parameter> found;
  for (const auto& [name, line] : logical_lines(text)) {
    if (name.empty()) {
      continue;
    }
    std::string value;
    for (const auto& part : split_lines(text.substr(line.value, line.end - line.value))) {
      if (part.starts_with('#')) {
        continue;
      }
      const auto first = part.find_first_not_of(" \t\r");
      if (first != std::string::npos) {
        value += (value.empty() ? "" : " ") +
                 part.substr(first, part.find_last_not_of(" \t\r") + 1 - first);
      }
    }
    found.push_back({name, value});
  }
  return found;
}

} // namespace homeward::admin::mta
