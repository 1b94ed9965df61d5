// The settings file that is shipped: every key documented, defaults commented out. It is itself a
// valid settings file that means "all defaults", as far as every required key has an example.

#include <algorithm>

#include <fmt/format.h>

#include "lib/config/schema.hpp"
#include "lib/config/tree.hpp"

namespace homeward::config {

namespace {

// One record as one would write it: the fields that are required or have an example.
std::string example_record(const group& fields, const void* defaults, const std::string& start) {
  std::string out;
  for (const auto& part : fields.parts) {
    if (part->leaf == nullptr) {
      const std::string inner = example_record(*part, defaults, start + "  ");
      out += inner.empty() ? "" : start + part->name + ":\n" + inner;
    } else if (part->leaf->records) {
      continue;
    } else if (!part->leaf->example.empty()) {
      out += start + part->name + ": " + part->leaf->example + '\n';
    } else if (part->leaf->required) {
      out += start + part->name + ": " + part->leaf->write(defaults) + '\n';
    }
  }
  return out;
}

void example_records(const entry& e, const std::string& name, const std::string& indent,
                     std::string& out) {
  const auto defaults = e.records->make();
  const schema& fields = *e.records->fields;
  out += indent + "# Each record has:\n";
  for (const auto& field : fields.entries()) {
    out += filled(fmt::format("{} ({}): {}", field.key, facts_of(field, defaults.get()), field.doc),
                  indent + "#   ");
  }
  const std::string open = indent + (e.required ? "" : "#");
  std::string record = example_record(tree_of(fields), defaults.get(), open + "    ");
  if (record.empty()) {
    out += open + name + ": []\n";
    return;
  }
  record[open.size() + 2] = '-';
  out += open + name + ":\n" + record;
}

void example_map(const schema& s, const group& g, const void* defaults, const std::string& indent,
                 std::string& out);

void example_part(const schema& s, const group& part, const void* defaults,
                  const std::string& indent, std::string& out) {
  const std::string comment = indent + "# ";
  if (const section* heading = s.find_section(part.path)) {
    out += filled(heading->title + ".", comment) + filled(heading->text, comment);
  }
  if (part.leaf == nullptr) {
    out += indent + part.name + ":\n";
    example_map(s, part, defaults, indent + "  ", out);
    return;
  }
  const entry& e = *part.leaf;
  out += filled(e.doc, comment);
  out += filled("(" + facts_of(e, defaults) +
                    (e.reloadable ? "; SIGHUP is enough)" : "; a change needs a restart)"),
                comment);
  if (e.records) {
    example_records(e, part.name, indent, out);
    return;
  }
  out += indent + (e.required ? "" : "#") + part.name + ": " +
         (e.example.empty() ? e.write(defaults) : e.example) + '\n';
}

void example_map(const schema& s, const group& g, const void* defaults, const std::string& indent,
                 std::string& out) {
  for (std::size_t i = 0; i < g.parts.size(); ++i) {
    if (i != 0 || indent.empty()) {
      out += '\n';
    }
    example_part(s, *g.parts[i], defaults, indent, out);
  }
}

} // namespace

std::string schema::example_file(const void* defaults) const {
  std::string out =
      filled("Settings of " + name_ +
                 ". Lines that begin with # show the defaults, or an example where "
                 "there is none; remove the # to change one. Indentation is by "
                 "spaces. Sizes are written as 64 MiB, durations as 30s, 5m or 2h.\n\n"
                 "Check a change with --check-config before a restart or a reload.",
             "# ");
  example_map(*this, tree_of(*this), defaults, "", out);
  return out;
}

} // namespace homeward::config
