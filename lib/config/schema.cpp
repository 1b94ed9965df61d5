#include "lib/config/schema.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <sys/stat.h>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "lib/base/escape.hpp"
#include "lib/config/nearest.hpp"
#include "lib/config/value.hpp"

namespace homeward::config {

namespace {

bool is_below(std::string_view key, std::string_view group) {
  return key.size() > group.size() && key.starts_with(group) && key[group.size()] == '.';
}

std::string joined(const std::string& prefix, const std::string& name) {
  return prefix.empty() ? name : prefix + '.' + name;
}

constexpr std::size_t largest_file = 16U << 20U;

// The whole of `file`, or a problem.
std::optional<std::string> load(const std::string& file, const report& into) {
  struct stat facts = {};
  if (::stat(file.c_str(), &facts) != 0) {
    const bool absent = errno == ENOENT;
    into.add_at(0, "", "cannot be opened: " + std::generic_category().message(errno),
                absent ? "name another file with --config, or make one with --example-config"
                       : "let the user of this program read it and search its directories");
    return std::nullopt;
  }
  if (!S_ISREG(facts.st_mode)) {
    into.add_at(0, "", "is not a plain file", "name the settings file itself");
    return std::nullopt;
  }
  if (static_cast<std::size_t>(facts.st_size) > largest_file) {
    into.add_at(0, "", "is larger than 16 MiB", "this cannot be a settings file");
    return std::nullopt;
  }
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (in && facts.st_size != 0) {
    text << in.rdbuf();
  }
  if (!in || !text) {
    into.add_at(0, "", "cannot be read: " + std::generic_category().message(errno),
                "let the user of this program read it");
    return std::nullopt;
  }
  return std::move(text).str();
}

} // namespace

void schema::add(entry e) {
  for (const auto& other : entries_) {
    if (other.key == e.key || is_below(e.key, other.key) || is_below(other.key, e.key)) {
      throw std::logic_error("settings table " + name_ + ": " + e.key + " and " + other.key +
                             " are in each other's way");
    }
  }
  entries_.push_back(std::move(e));
}

void schema::include(const std::string& prefix, const schema& part,
                     const std::function<void*(void*)>& in,
                     const std::function<const void*(const void*)>& in_const) {
  for (entry e : part.entries_) {
    e.key = joined(prefix, e.key);
    if (e.records) {
      auto list = std::make_shared<record_list>(*e.records);
      list->clear = [in, f = list->clear](void* s) { f(in(s)); };
      list->append = [in, f = list->append](void* s) { return f(in(s)); };
      list->size = [in_const, f = list->size](const void* s) { return f(in_const(s)); };
      list->at = [in_const, f = list->at](const void* s, std::size_t i) {
        return f(in_const(s), i);
      };
      e.records = std::move(list);
    } else {
      e.read = [in, f = std::move(e.read)](const node& n, const place& at, void* s) {
        return f(n, at, in(s));
      };
      e.write = [in_const, f = std::move(e.write)](const void* s) { return f(in_const(s)); };
    }
    add(std::move(e));
  }
  for (section s : part.sections_) {
    s.key = s.key.empty() ? prefix : joined(prefix, s.key);
    add(std::move(s));
  }
  for (const auto& check : part.validators_) {
    add(validator([in_const, check, prefix](const void* s, const report& into) {
      check(in_const(s), into.below(prefix));
    }));
  }
}

const entry* schema::find(std::string_view key) const {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const entry& e) { return e.key == key; });
  return found == entries_.end() ? nullptr : &*found;
}

const section* schema::find_section(std::string_view key) const {
  const auto found = std::find_if(sections_.begin(), sections_.end(),
                                  [&](const section& s) { return s.key == key; });
  return found == sections_.end() ? nullptr : &*found;
}

bool schema::is_group(std::string_view path) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const entry& e) { return is_below(e.key, path); });
}

void schema::read(const node& root, void* settings, const report& into) const {
  const std::size_t before = into.count();
  std::vector<const entry*> seen;
  if (root.type == node::kind::map) {
    read_map(root, "", settings, into, seen);
  } else if (root.type != node::kind::null) {
    into.add_at(root.line, "", place::quote(root) + " was found",
                "write keys and values, as key: value");
  }
  for (const auto& e : entries_) {
    if (e.required && std::find(seen.begin(), seen.end(), &e) == seen.end()) {
      into.add(e.key, "is missing",
               e.example.empty() ? "it must be given"
                                 : "it must be given, for instance as " + e.key + ": " + e.example);
    }
  }
  if (into.count() == before) {
    for (const auto& check : validators_) {
      check(settings, into);
    }
  }
}

void schema::read_map(const node& map, const std::string& prefix, void* settings,
                      const report& into, std::vector<const entry*>& seen) const {
  std::map<std::string, std::size_t> first_line;
  for (const auto& m : map.members) {
    const std::string path = joined(prefix, m.name);
    const auto [first, is_new] = first_line.emplace(m.name, m.line);
    if (!is_new) {
      into.add_at(m.line, path, fmt::format("is given twice, first in line {}", first->second),
                  "keep one of them");
      continue;
    }
    if (m.name.find('.') != std::string::npos) {
      unknown_key(m, path, into);
    } else if (const entry* e = find(path)) {
      into.note_line(path, m.line);
      seen.push_back(e);
      read_entry(*e, m.value, settings, into);
    } else if (!is_group(path)) {
      unknown_key(m, path, into);
    } else if (m.value.type == node::kind::map) {
      into.note_line(path, m.line);
      read_map(m.value, path, settings, into, seen);
    } else if (m.value.type != node::kind::null) {
      into.add_at(m.value.line, path, place::quote(m.value) + " was found",
                  "this is a section: write its keys below it, indented");
    }
  }
}

void schema::read_entry(const entry& e, const node& value, void* settings,
                        const report& into) const {
  if (!e.records) {
    (void)e.read(value, place{into, e.key}, settings);
    return;
  }
  e.records->clear(settings);
  if (value.type != node::kind::list && value.type != node::kind::null) {
    into.add_at(value.line, e.key, place::quote(value) + " was found",
                "write a list: one `- key: value` block for each record");
    return;
  }
  if (e.required && value.items.empty()) {
    into.add_at(value.line, e.key, "is empty", "give at least one record");
  }
  const entry* unique = e.records->fields->find(e.records->unique);
  std::map<std::string, std::size_t> taken;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    const node& item = value.items[i];
    const report inner = into.below(fmt::format("{}[{}]", e.key, i));
    inner.note_line("", item.line);
    const std::size_t before = inner.count();
    void* record = e.records->append(settings);
    if (item.type != node::kind::map) {
      inner.add_at(item.line, "", place::quote(item) + " was found",
                   "write the fields of the record, as key: value");
      continue;
    }
    e.records->fields->read(item, record, inner);
    if (unique != nullptr && inner.count() == before) {
      const auto [first, is_new] = taken.emplace(unique->write(record), item.line);
      if (!is_new) {
        inner.add(unique->key,
                  fmt::format("\"{}\" is already used by the record in line {}",
                              escape(first->first, 80), first->second),
                  "each must differ");
      }
    }
  }
}

void schema::unknown_key(const member& m, const std::string& path, const report& into) const {
  if (const auto dot = m.name.find('.'); dot != std::string::npos && find(path) != nullptr) {
    into.add_at(m.line, path, "is not a key",
                fmt::format("write it nested: `{}:`, and below it, indented, `{}:`",
                            m.name.substr(0, dot), m.name.substr(dot + 1)));
    return;
  }
  std::vector<std::string> siblings;
  std::vector<std::string> same_name;
  const std::string prefix = path.substr(0, path.size() - m.name.size());
  for (const auto& e : entries_) {
    if (e.key.starts_with(prefix)) {
      const auto rest = e.key.substr(prefix.size());
      siblings.push_back(rest.substr(0, rest.find('.')));
    }
    if (e.key.ends_with('.' + m.name) || e.key == m.name) {
      same_name.push_back(e.key);
    }
  }
  std::string nearest = nearest_name(m.name, siblings);
  if (!nearest.empty()) {
    nearest.insert(0, prefix);
  } else if (same_name.size() == 1) {
    nearest = same_name.front();
  }
  into.add_at(m.line, path, "is not a known setting",
              nearest.empty() ? "see the manual page for all settings, or remove it"
                              : "did you mean " + nearest + "?");
}

problems schema::read_text(std::string_view text, const std::string& file, void* settings) const {
  collector all{.file = file};
  const report into(all);
  const node root = parse_yaml(text, into);
  if (all.found.empty()) {
    read(root, settings, into);
  }
  std::stable_sort(all.found.begin(), all.found.end(),
                   [](const problem& a, const problem& b) { return a.line < b.line; });
  return std::move(all.found);
}

problems schema::read_file(const std::string& file, void* settings) const {
  collector all{.file = file};
  const auto text = load(file, report(all));
  if (!text) {
    return std::move(all.found);
  }
  return read_text(*text, file, settings);
}

problems schema::read_part(const std::string& file, const std::string& part, void* settings) const {
  collector all{.file = file};
  const report into(all);
  const auto text = load(file, into);
  const node root = text ? parse_yaml(*text, into) : node{};
  if (!all.found.empty()) {
    return std::move(all.found);
  }
  const auto found = std::find_if(root.members.begin(), root.members.end(),
                                  [&](const member& m) { return m.name == part; });
  if (found != root.members.end()) {
    read(found->value, settings, into.below(part));
  }
  return std::move(all.found);
}

} // namespace homeward::config
