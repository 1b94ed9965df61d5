// The effective settings as YAML, and what of them a reload cannot change.

#include <fmt/format.h>

#include "lib/config/schema.hpp"
#include "lib/config/tree.hpp"

namespace homeward::config {

namespace {

void print_map(const group& g, const void* settings, const std::string& indent, std::string& out);

void print_records(const record_list& list, const void* settings, const std::string& indent,
                   std::string& out) {
  const group fields = tree_of(*list.fields);
  for (std::size_t i = 0; i < list.size(settings); ++i) {
    std::string record;
    print_map(fields, list.at(settings, i), indent + "  ", record);
    record[indent.size()] = '-';
    out += record;
  }
}

void print_map(const group& g, const void* settings, const std::string& indent, std::string& out) {
  for (const auto& part : g.parts) {
    const std::string start = indent + part->name + ':';
    if (part->leaf == nullptr) {
      out += start + '\n';
      print_map(*part, settings, indent + "  ", out);
    } else if (!part->leaf->records) {
      out += start + ' ' + part->leaf->write(settings) + '\n';
    } else if (part->leaf->records->size(settings) == 0) {
      out += start + " []\n";
    } else {
      out += start + '\n';
      print_records(*part->leaf->records, settings, indent + "  ", out);
    }
  }
}

// One value as text, to be compared and shown.
std::string text_of(const entry& e, const void* settings) {
  if (!e.records) {
    return e.write(settings);
  }
  std::string text;
  print_records(*e.records, settings, "", text);
  return text;
}

} // namespace

std::string schema::print(const void* settings) const {
  std::string out;
  print_map(tree_of(*this), settings, "", out);
  return out;
}

std::vector<std::string> schema::needs_restart(const void* running, const void* next) const {
  std::vector<std::string> changes;
  for (const auto& e : entries_) {
    if (e.reloadable) {
      continue;
    }
    const std::string old_text = text_of(e, running);
    const std::string new_text = text_of(e, next);
    if (old_text == new_text) {
      continue;
    }
    changes.push_back(e.records ? e.key + " has changed: this needs a restart"
                                : fmt::format("{} is {} and the file now says {}: this needs a "
                                              "restart",
                                              e.key, old_text, new_text));
  }
  return changes;
}

} // namespace homeward::config
