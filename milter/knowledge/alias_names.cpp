#include "milter/knowledge/alias_names.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace homeward::milter {

namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && is_space(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

// A name and what stands behind it.
struct scanned {
  std::string name;
  std::string_view rest;
  bool open_quote = false;
};

// Reads up to the first character for which `ends` is true outside quotes; quotes and backslashes
// are taken off.
template <class Ends>
scanned scan_name(std::string_view line, Ends ends) {
  scanned s;
  bool quoted = false;
  std::size_t i = 0;
  for (; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '\\' && i + 1 < line.size()) {
      s.name += line[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && ends(c)) {
      break;
    } else {
      s.name += c;
    }
  }
  s.rest = line.substr(i);
  s.open_quote = quoted;
  return s;
}

class reader {
 public:
  reader(alias_format format, alias_names& into) : format_(format), into_(into) {}

  void line(std::string_view text) {
    ++number_;
    const bool continues = std::exchange(continues_, text.ends_with('\\'));
    const std::string_view content = trimmed(text);
    if (content.empty() || content.front() == '#') {
      return;
    }
    if (is_space(text.front())) {
      if (!any_entry_) {
        problem("begins with a space, but continues nothing");
      }
      return;
    }
    any_entry_ = true;
    entry(content, continues);
  }

 private:
  // `continues`: to sendmail this line may belong to the one before; a name on it does no harm.
  void entry(std::string_view content, bool continues) {
    const bool colon = format_ == alias_format::aliases;
    scanned s =
        colon ? scan_name(content, [](char c) { return c == ':'; }) : scan_name(content, is_space);
    if (s.open_quote) {
      problem("has a quote that does not end");
    } else if (colon ? s.rest.empty() : trimmed(s.rest).empty()) {
      if (!continues) {
        problem(colon ? "has no colon" : "has a name without a value");
      }
    } else {
      add(std::string(trimmed(s.name)));
    }
  }

  void add(std::string name) {
    if (name.size() > 2 && name.front() == '<' && name.back() == '>') {
      name = name.substr(1, name.size() - 2);
    }
    if (name.empty()) {
      problem("has no name");
    } else if (name.size() > longest_alias) {
      problem("has a name that is too long");
    } else {
      keep(lower_case(name));
    }
  }

  void keep(std::string name) {
    const std::size_t at = name.rfind('@');
    if (at == std::string::npos) {
      into_.locals.insert(std::move(name));
    } else if (at == 0) {
      into_.domains.insert(name.substr(1));
    } else {
      into_.addresses.insert(std::move(name));
    }
  }

  void problem(std::string what) {
    ++into_.problem_count;
    if (into_.problems.size() < kept_alias_problems) {
      into_.problems.push_back({.line = number_, .what = std::move(what)});
    }
  }

  const alias_format format_;
  alias_names& into_;
  std::size_t number_ = 0;
  bool any_entry_ = false;
  bool continues_ = false;
};

} // namespace

std::string lower_case(std::string_view text) {
  std::string lower;
  lower.reserve(text.size());
  std::transform(text.begin(), text.end(), std::back_inserter(lower), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

std::vector<std::string> alias_keys(std::string_view local, std::string_view delimiters) {
  const std::string whole = lower_case(local);
  std::vector<std::string> keys{whole};
  const std::size_t at = whole.find_first_of(delimiters, 1);
  if (at != std::string::npos) {
    keys.push_back(whole.substr(0, at + 1) + '*');
    keys.push_back(whole.substr(0, at));
  }
  return keys;
}

bool alias_names::cover(std::string_view local, std::string_view domain, bool is_local,
                        std::string_view delimiters) const {
  if (domains.contains(std::string(domain))) {
    return true;
  }
  const std::vector<std::string> keys = alias_keys(local, delimiters);
  return std::any_of(keys.begin(), keys.end(), [&](const std::string& key) {
    return (is_local && locals.contains(key)) ||
           addresses.contains(key + '@' + std::string(domain));
  });
}

alias_names parse_alias_names(std::string_view text, alias_format format) {
  alias_names names;
  reader r(format, names);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    r.line(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return names;
}

} // namespace homeward::milter
