#pragma once
// A settings table without its types: what lib/config's products are made from. Programs use
// `config::table` (table.hpp), which fills a schema for their settings struct.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/config/node.hpp"
#include "lib/config/report.hpp"

namespace homeward::config {

class schema;

// A list of records behind one key: functions on the settings struct, whose type is not known here.
struct record_list {
  std::shared_ptr<const schema> fields; // the table of one record
  std::string unique = {};              // the field that must differ, or ""
  std::function<void(void* settings)> clear = {};
  std::function<void*(void* settings)> append = {}; // a new record with its defaults
  std::function<std::size_t(const void* settings)> size = {};
  std::function<const void*(const void* settings, std::size_t index)> at = {};
  std::function<std::shared_ptr<const void>()> make = {}; // one record with its defaults
};

struct place;

// One setting.
struct entry {
  std::string key; // "lmtp.listen"; dots are levels of YAML maps
  std::string doc = {};
  std::string example = {};
  std::string kind = {}; // "duration, 1s to 1h"
  std::string since = {};
  bool required = false;
  bool reloadable = false;
  std::function<bool(const node&, const place&, void* settings)> read = {};
  std::function<std::string(const void* settings)> write = {}; // one line of YAML
  std::shared_ptr<const record_list> records = {};             // set for lists of records
};

// A heading in the example file and the manual, before the first entry below `key`.
struct section {
  std::string key; // "lmtp"
  std::string title;
  std::string text = {};
};

// Checks that need more than one value.
using validator = std::function<void(const void* settings, const report& into)>;

// The entries of a table in the order in which they were added. Built once at start, then only
// read: safe from any number of threads.
class schema {
 public:
  explicit schema(std::string name) : name_(std::move(name)) {}

  // Adding the same key twice, or one key below another entry, is a bug: std::logic_error.
  void add(entry e);
  void add(section s) { sections_.push_back(std::move(s)); }
  void add(validator v) { validators_.push_back(std::move(v)); }

  // Adds the whole of another schema below `prefix`; `in` leads from these settings to its own.
  void include(const std::string& prefix, const schema& part, const std::function<void*(void*)>& in,
               const std::function<const void*(const void*)>& in_const);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::vector<entry>& entries() const { return entries_; }
  [[nodiscard]] const std::vector<section>& sections() const { return sections_; }
  [[nodiscard]] const std::vector<validator>& validators() const { return validators_; }
  [[nodiscard]] const entry* find(std::string_view key) const;
  [[nodiscard]] const section* find_section(std::string_view key) const;

  // Fills `settings` (which holds the defaults) from a tree; validators run when all values are
  // good.
  void read(const node& root, void* settings, const report& into) const;
  // The same from a file or a text. The returned problems are empty when all is well.
  [[nodiscard]] problems read_file(const std::string& file, void* settings) const;
  [[nodiscard]] problems read_text(std::string_view text, const std::string& file,
                                   void* settings) const;
  // Reads only what is below the top-level key `part` of a file, and looks at nothing else in it:
  // for a program that shares that part with the file's owner. Defaults when the file does not have
  // the part.
  [[nodiscard]] problems read_part(const std::string& file, const std::string& part,
                                   void* settings) const;

  // The effective settings as YAML that reads back as the same settings.
  [[nodiscard]] std::string print(const void* settings) const;
  // The settings file that is shipped: every key with its documentation, defaults commented out.
  // `defaults` is a default-constructed settings struct.
  [[nodiscard]] std::string example_file(const void* defaults) const;
  // The keys as man(7) source, for the settings page of the program.
  [[nodiscard]] std::string manual_section(const void* defaults) const;
  // One sentence for each setting that differs and cannot be changed while the program runs.
  [[nodiscard]] std::vector<std::string> needs_restart(const void* running, const void* next) const;

 private:
  void read_map(const node& map, const std::string& prefix, void* settings, const report& into,
                std::vector<const entry*>& seen) const;
  void read_entry(const entry& e, const node& value, void* settings, const report& into) const;
  void unknown_key(const member& m, const std::string& path, const report& into) const;
  [[nodiscard]] bool is_group(std::string_view path) const;

  std::string name_;
  std::vector<entry> entries_;
  std::vector<section> sections_;
  std::vector<validator> validators_;
};

} // namespace homeward::config
