#pragma once
// The settings table of a program: the one place where a setting has its name, type, default,
// bounds and documentation. From it come the parser, the validator, --print-config, the example
// file, the manual page and the check at reload, so they cannot disagree.
//
//   struct bridge_settings {
//     std::string listen = "unix:/run/homeward/lmtp";
//     std::chrono::seconds idle_timeout{300};
//     byte_count memory_limit = 1_MiB;
//     recipe filing = recipe::late;
//     std::vector<peer> peers;
//   };
//
//   config::table<bridge_settings> make_table() {
//     config::table<bridge_settings> t{"homeward-bridge"};
//     t.section("lmtp", "How MTAs hand mail over");
//     t.add("lmtp.listen", &bridge_settings::listen,
//           {.doc = "Where the LMTP server listens.", .example = "inet:127.0.0.1:24"});
//     t.add("lmtp.idle_timeout", &bridge_settings::idle_timeout,
//           {.doc = "...", .min = 1s, .max = 1h, .reloadable = true});
//     t.add("filing", &bridge_settings::filing,
//           {.doc = "...", .names = {{"late", recipe::late}, {"strict", recipe::strict}}});
//     t.add_records("peers", &bridge_settings::peers, peer_table(), {.doc = "...", .unique =
//     "name"}); t.include("directory", &bridge_settings::directory, directory::settings_table());
//     t.validate([](const bridge_settings& s, const config::report& r) {
//       if (s.idle_timeout < s.busy_timeout) {
//         r.add("lmtp.idle_timeout", "is shorter than lmtp.busy_timeout", "make it longer");
//       }
//     });
//     return t;
//   }
//
// Defaults are the initialisers of the struct. Where a program keeps what can be reloaded in a
// struct of its own, `include("", &settings::live, live_table())` merges both into one file.

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "lib/config/problem.hpp"
#include "lib/config/schema.hpp"
#include "lib/config/value.hpp"

namespace homeward::config {

// What a table says about a list of records.
struct record_options {
  std::string doc = {};
  std::string unique = {}; // the field by which records must differ, such as "name"
  bool required = false;   // at least one record
  bool reloadable = false; // the list as a whole; the fields' own marks are not looked at
  std::string since = "0.1";
};

template <class Settings>
class table {
  // The type of the value that `where` leads to.
  template <class Where>
  using bound_type = std::remove_cvref_t<std::invoke_result_t<Where, Settings&>>;

 public:
  using settings_type = Settings;

  // `name` is the program's: "homeward-bridge". Tables of records name what one record is.
  explicit table(std::string name) : schema_(std::make_shared<config::schema>(std::move(name))) {}

  // A heading over the keys below `key`.
  table& section(std::string key, std::string title, std::string text = {}) {
    schema_->add(config::section{std::move(key), std::move(title), std::move(text)});
    return *this;
  }

  // A setting. `where` is a pointer to member, or anything that turns Settings& into a reference.
  template <class Where>
  table& add(std::string key, Where where, std::type_identity_t<options<bound_type<Where>>> o) {
    using value_type = bound_type<Where>;
    entry e{.key = std::move(key),
            .doc = o.doc,
            .example = o.example,
            .kind = codec<value_type>::kind(o),
            .since = o.since,
            .required = o.required,
            .reloadable = o.reloadable};
    e.read = [where, o](const node& n, const place& at, void* settings) {
      value_type& value = std::invoke(where, *static_cast<Settings*>(settings));
      return codec<value_type>::read(n, o, at, value) && detail::run_check(n, o, at, value);
    };
    e.write = [where, o](const void* settings) {
      return codec<value_type>::write(std::invoke(where, *static_cast<const Settings*>(settings)),
                                      o);
    };
    schema_->add(std::move(e));
    return *this;
  }

  // A list of records, each with a table of its own.
  template <class Where, class Record>
  table& add_records(std::string key, Where where, const table<Record>& fields, record_options o) {
    static_assert(std::same_as<bound_type<Where>, std::vector<Record>>);
    auto list = std::make_shared<record_list>();
    list->fields = fields.shared_schema();
    list->unique = o.unique;
    const auto records = [where](const void* settings) -> const std::vector<Record>& {
      return std::invoke(where, *static_cast<const Settings*>(settings));
    };
    list->clear = [where](void* settings) {
      std::invoke(where, *static_cast<Settings*>(settings)).clear();
    };
    list->append = [where](void* settings) -> void* {
      return &std::invoke(where, *static_cast<Settings*>(settings)).emplace_back();
    };
    list->size = [records](const void* settings) { return records(settings).size(); };
    list->at = [records](const void* settings, std::size_t index) -> const void* {
      return &records(settings)[index];
    };
    list->make = [] { return std::make_shared<const Record>(); };
    schema_->add(entry{.key = std::move(key),
                       .doc = std::move(o.doc),
                       .kind = "list of " + fields.name() + " records",
                       .since = std::move(o.since),
                       .required = o.required,
                       .reloadable = o.reloadable,
                       .records = std::move(list)});
    return *this;
  }

  // All entries, sections and validators of another table, for the struct that `where` leads to,
  // with `prefix` before their keys ("" for none).
  template <class Where, class Part>
  table& include(const std::string& prefix, Where where, const table<Part>& part) {
    static_assert(std::same_as<bound_type<Where>, Part>);
    const auto in = [where](void* settings) -> void* {
      return &std::invoke(where, *static_cast<Settings*>(settings));
    };
    const auto in_const = [where](const void* settings) -> const void* {
      return &std::invoke(where, *static_cast<const Settings*>(settings));
    };
    schema_->include(prefix, *part.shared_schema(), in, in_const);
    return *this;
  }

  // A check that needs several values. It runs only when every single value is good.
  table& validate(std::function<void(const Settings&, const report&)> check) {
    schema_->add(validator([check = std::move(check)](const void* settings, const report& into) {
      check(*static_cast<const Settings*>(settings), into);
    }));
    return *this;
  }

  // The settings of a file over the defaults, or every problem of the file.
  [[nodiscard]] outcome<Settings> parse_file(const std::string& file) const {
    Settings settings{};
    problems found = schema_->read_file(file, &settings);
    if (!found.empty()) {
      return found;
    }
    return settings;
  }
  // The same from a text; `file` is the name used in messages.
  [[nodiscard]] outcome<Settings> parse_text(std::string_view text,
                                             const std::string& file = "settings") const {
    Settings settings{};
    problems found = schema_->read_text(text, file, &settings);
    if (!found.empty()) {
      return found;
    }
    return settings;
  }

  // The settings below the top-level key `part` of another program's file; see schema::read_part.
  [[nodiscard]] outcome<Settings> parse_part(const std::string& file,
                                             const std::string& part) const {
    Settings settings{};
    problems found = schema_->read_part(file, part, &settings);
    if (!found.empty()) {
      return found;
    }
    return settings;
  }

  // The products; see schema.hpp.
  [[nodiscard]] std::string print(const Settings& settings) const {
    return schema_->print(&settings);
  }
  [[nodiscard]] std::string example_file() const {
    const Settings defaults{};
    return schema_->example_file(&defaults);
  }
  [[nodiscard]] std::string manual_section() const {
    const Settings defaults{};
    return schema_->manual_section(&defaults);
  }
  // What the file asks for and only a restart can give, for the log after a reload. Empty: nothing.
  [[nodiscard]] std::vector<std::string> needs_restart(const Settings& running,
                                                       const Settings& next) const {
    return schema_->needs_restart(&running, &next);
  }

  [[nodiscard]] const std::string& name() const { return schema_->name(); }
  [[nodiscard]] std::shared_ptr<const config::schema> shared_schema() const { return schema_; }

 private:
  std::shared_ptr<config::schema> schema_;
};

} // namespace homeward::config
