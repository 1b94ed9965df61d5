// homewardctl user import: many users at once, all or none unless told otherwise.

#include <fstream>
#include <memory>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "lib/base/escape.hpp"
#include "lib/config/value.hpp"

#include "admin/commands.hpp"
#include "admin/import_file.hpp"
#include "admin/output.hpp"

namespace homeward::admin {

namespace {

struct import_options {
  std::string file;
  std::string format;
  std::string home;
  std::string quota;
  import_rules rules;
  bool dry_run = false;
  bool skip_existing = false;
  bool keep_going = false;
};

// What came of it, for the summary.
struct import_outcome {
  std::vector<directory::user> added;
  std::vector<import_problem> problems;
  std::size_t existing = 0;
};

result<std::string> read_all(session& s, const std::string& file) {
  std::ostringstream text;
  if (file == "-") {
    text << s.in().rdbuf();
    return std::move(text).str();
  }
  std::ifstream in(file, std::ios::binary);
  if (in && in.peek() != std::ifstream::traits_type::eof()) {
    text << in.rdbuf();
  }
  if (!in && !in.eof()) {
    failure f = permanent_failure(failure_reason::perm, "cannot read " + file);
    f.advice = "Name a file that this user may read, or - for the standard input.";
    return f;
  }
  return std::move(text).str();
}

// The defaults of the command line for what a line leaves open.
struct import_defaults {
  std::optional<directory::partition_id> home;
  byte_count quota{};
};

result<import_defaults> defaults_of(const import_options& o) {
  import_defaults d;
  if (!o.home.empty()) {
    const auto home = directory::parse_partition_id(o.home);
    if (home.has_error()) {
      return home.error();
    }
    d.home = *home;
  }
  if (!o.quota.empty()) {
    const auto octets = config::parse_size(o.quota);
    if (!octets) {
      failure f = permanent_failure(failure_reason::syntax,
                                    fmt::format("\"{}\" is not a size", escape(o.quota, 40)));
      f.advice = "Write it as 500 MiB or 5 GiB.";
      return f;
    }
    d.quota = byte_count{*octets};
  }
  return d;
}

result<directory::user> add_entry(directory::edit& edit, const import_entry& entry,
                                  const import_defaults& defaults) {
  directory::user u{.mailbox = entry.mailbox};
  u.where.secondary = entry.secondary;
  u.where.quota = entry.quota.value_or(defaults.quota);
  u.where.state = entry.state;
  if (const auto& home = entry.home ? entry.home : defaults.home) {
    u.where.primary = *home;
  } else {
    const auto next = edit.place_next();
    if (next.has_error()) {
      return next.error();
    }
    u.where.primary = *next;
  }
  return edit.add(u);
}

// Everything that the list asks for, within one edit. A transient failure ends it.
result<import_outcome> add_all(directory::engine& engine, directory::edit& edit,
                               const import_list& list, const import_options& o,
                               const import_defaults& defaults) {
  import_outcome outcome{.added = {}, .problems = list.problems};
  for (const auto& entry : list.entries) {
    const auto known = engine.find_user(entry.mailbox);
    if (known.has_error()) {
      return known.error();
    }
    if (*known) {
      ++outcome.existing;
      if (!o.skip_existing) {
        outcome.problems.push_back(
            {entry.line,
             fmt::format("there is a user {} already, on {} (--skip-existing passes over "
                         "such lines)",
                         escape(entry.mailbox, 120), to_string((*known)->where.primary))});
      }
      continue;
    }
    auto added = add_entry(edit, entry, defaults);
    if (added.has_value()) {
      outcome.added.push_back(std::move(*added));
    } else if (added.error().kind == failure_kind::permanent) {
      outcome.problems.push_back({entry.line, added.error().what});
    } else {
      return added.error();
    }
  }
  std::stable_sort(outcome.problems.begin(), outcome.problems.end(),
                   [](const auto& a, const auto& b) { return a.line < b.line; });
  return outcome;
}

void print_json(session& s, const import_outcome& outcome, const import_list& list, bool kept) {
  nlohmann::json problems = nlohmann::json::array();
  for (const auto& p : outcome.problems) {
    problems.push_back({{"line", p.line}, {"what", p.what}});
  }
  nlohmann::json added = nlohmann::json::array();
  for (const auto& u : outcome.added) {
    added.push_back(to_json(u));
  }
  s.print({{"imported", kept},
           {"users", added},
           {"problems", problems},
           {"existing", outcome.existing},
           {"passed_over", list.passed_over}});
}

void print_summary(session& s, const import_outcome& outcome, const import_list& list,
                   const import_options& o, bool kept) {
  for (const auto& p : outcome.problems) {
    s.err() << fmt::format("{}:{}: {}\n", o.file, p.line, p.what);
  }
  if (s.json()) {
    print_json(s, outcome, list, kept);
    return;
  }
  std::map<std::string, std::uint64_t> per_home;
  for (const auto& u : outcome.added) {
    ++per_home[to_string(u.where.primary)];
  }
  table t({"HOME", "NEW USERS>"});
  for (const auto& [home, count] : per_home) {
    t.add({home, std::to_string(count)});
  }
  if (!t.empty()) {
    t.print(s.out());
  }
  s.out() << fmt::format("{} {}; {} with problems, {} in the directory already{}.\n",
                         count_of(outcome.added.size(), "user"),
                         kept        ? "imported"
                         : o.dry_run ? "could be imported (dry run: nothing was changed)"
                                     : "not imported: nothing was changed",
                         count_of(outcome.problems.size(), "line"), outcome.existing,
                         list.passed_over == 0
                             ? ""
                             : fmt::format(", {} passed over by user number", list.passed_over));
  if (!kept && !outcome.problems.empty() && !o.dry_run) {
    s.out() << "Repair these lines, or give --keep-going to import the others.\n";
  }
}

exit_code import_users(session& s, import_options& o) {
  const auto rules = s.address_rules();
  const auto defaults = defaults_of(o);
  const auto text = read_all(s, o.file);
  const auto engine = s.engine();
  if (rules.has_error() || defaults.has_error() || text.has_error() || engine.has_error()) {
    return s.report(rules.has_error()      ? rules.error()
                    : defaults.has_error() ? defaults.error()
                    : text.has_error()     ? text.error()
                                           : engine.error());
  }
  o.rules.addresses = *rules;
  const bool is_passwd = o.format == "passwd";
  const import_list list = is_passwd ? read_passwd(*text, o.rules) : read_csv(*text, o.rules);

  auto edit = (*engine)->begin();
  if (edit.has_error()) {
    return s.report(edit.error());
  }
  const auto outcome = add_all(**engine, **edit, list, o, *defaults);
  if (outcome.has_error()) {
    return s.report(outcome.error());
  }
  const bool keep = !o.dry_run && (outcome->problems.empty() || o.keep_going);
  if (keep) {
    if (const auto committed = (*edit)->commit(); committed.has_error()) {
      return s.report(committed.error());
    }
  }
  print_summary(s, *outcome, list, o, keep);
  if (outcome->problems.empty()) {
    return exit_code::done;
  }
  return keep || o.dry_run ? exit_code::negative : exit_code::refused;
}

} // namespace

void add_user_import(CLI::App& user, session& s) {
  auto* command = user.add_subcommand("import", "Add many users from a file: all of them or none");
  command->footer(
      "passwd: every line with a user number in range becomes NAME@DOMAIN.\n\n"
      "csv: columns mailbox,home,secondary,quota,state; all but the first may be empty.\n"
      "A first line that begins with mailbox names the columns in another order.\n\n"
      "Users without a home get the next partition in turn.\n\n"
      "Examples:\n"
      "  homewardctl user import --format passwd --domain example.org /etc/passwd --dry-run\n"
      "  homewardctl user import --format csv users.csv");
  const auto o = std::make_shared<import_options>();
  command->add_option("file", o->file, "The file; - is the standard input")
      ->required()
      ->type_name("FILE");
  command->add_option("--format", o->format, "What the file is")
      ->required()
      ->check(CLI::IsMember({"passwd", "csv"}));
  command->add_option("--domain", o->rules.domain, "The domain of names without one")
      ->type_name("DOMAIN");
  command->add_option("--home", o->home, "All of them here, unless the file says otherwise")
      ->type_name("SERVER/DIRECTORY");
  command->add_option("--quota", o->quota, "The limit, unless the file says otherwise")
      ->type_name("SIZE");
  command->add_option("--min-uid", o->rules.min_uid, "passwd: pass over smaller user numbers")
      ->capture_default_str();
  command->add_option("--max-uid", o->rules.max_uid, "passwd: pass over larger user numbers")
      ->capture_default_str();
  command->add_flag("--dry-run", o->dry_run, "Show what would happen and change nothing");
  command->add_flag("--skip-existing", o->skip_existing,
                    "Users that exist are no problem; they stay "
                    "as they are");
  command->add_flag("--keep-going", o->keep_going,
                    "Import the good lines in spite of the bad ones");
  on_chosen(*command, s, [&s, o] { return import_users(s, *o); });
}

} // namespace homeward::admin
