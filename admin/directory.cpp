// homewardctl directory: the directory as a whole.

#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "lib/base/escape.hpp"
#include "lib/directory/sqlite_engine.hpp"
#include "lib/directory/sqlite_snapshot.hpp"
#include "lib/directory/yaml_engine.hpp"
#include "lib/fs/real_file_system.hpp"

#include "admin/commands.hpp"
#include "admin/output.hpp"

namespace homeward::admin {

namespace {

struct directory_options {
  std::string file;
  std::string mode = "0644";
  std::string format = "yaml";
  bool yes = false;
};

std::string absolute(const std::string& file) {
  return std::filesystem::absolute(file).lexically_normal().string();
}

failure only_sqlite(std::string_view what) {
  failure f = permanent_failure(
      failure_reason::perm, fmt::format("a YAML directory has no {}: it is a file of yours", what));
  f.advice = "Copy or edit the file itself.";
  return f;
}

// The settings of a directory that can be initialised, backed up and so on.
result<directory::settings> sqlite_settings(session& s, std::string_view what) {
  auto settings = s.directory_settings();
  if (settings.has_value() && settings->engine != directory::engine_kind::sqlite) {
    return only_sqlite(what);
  }
  return settings;
}

exit_code init(session& s) {
  const auto settings = sqlite_settings(s, "init");
  if (settings.has_error()) {
    return s.report(settings.error());
  }
  if (const auto made = directory::sqlite_engine::initialise(settings->file); made.has_error()) {
    return s.report(made.error());
  }
  if (s.json()) {
    s.print({{"file", settings->file}});
    return exit_code::done;
  }
  s.out() << fmt::format("The directory {} was made; it is empty.\n"
                         "Give it and its folder to the group of the daemons, then:\n"
                         "  homewardctl server add store1 --endpoint HOST:PORT\n"
                         "  homewardctl partition add store1/mail1\n"
                         "  homewardctl user add ann@example.org\n",
                         settings->file);
  return exit_code::done;
}

exit_code backup(session& s, const directory_options& o) {
  const auto settings = sqlite_settings(s, "backup");
  if (settings.has_error()) {
    return s.report(settings.error());
  }
  const std::string target = absolute(o.file);
  if (target == settings->file) {
    return s.report(permanent_failure(failure_reason::perm, target + " is the directory itself"));
  }
  directory::sqlite_engine engine(settings->file, settings->busy);
  if (const auto done = engine.backup(target); done.has_error()) {
    return s.report(done.error());
  }
  if (s.json()) {
    s.print({{"backup", target}, {"octets", std::filesystem::file_size(target)}});
    return exit_code::done;
  }
  s.out() << fmt::format(
      "Backed up to {} ({}). Bring it back with: homewardctl directory restore {}\n", target,
      size_text(std::filesystem::file_size(target)), target);
  return exit_code::done;
}

// "12 users on 2 partitions", or why that is not known.
std::string content_of(directory::engine& engine) {
  const auto usage = engine.usage();
  if (usage.has_error()) {
    return "cannot be read: " + usage.error().what;
  }
  std::uint64_t users = 0;
  for (const auto& use : *usage) {
    users += use.primary;
  }
  return fmt::format("{} on {}", count_of(users, "user"), count_of(usage->size(), "partition"));
}

exit_code restore(session& s, const directory_options& o) {
  const auto settings = sqlite_settings(s, "restore");
  if (settings.has_error()) {
    return s.report(settings.error());
  }
  directory::sqlite_engine engine(settings->file, settings->busy);
  directory::sqlite_engine source(absolute(o.file));
  if (!o.yes && !s.confirm(fmt::format(
                    "Replace the directory {}\n  now:    {}\n  backup: {}\nby {}?", settings->file,
                    content_of(engine), content_of(source), absolute(o.file)))) {
    return exit_code::refused;
  }
  const auto moved = engine.restore(absolute(o.file));
  if (moved.has_error()) {
    return s.report(moved.error());
  }
  if (s.json()) {
    s.print({{"restored", settings->file}, {"damaged_file", *moved}});
    return exit_code::done;
  }
  s.out() << fmt::format("Restored: {}. Daemons read it whole at their next refresh.\n",
                         content_of(engine));
  if (!moved->empty()) {
    s.out() << fmt::format("The damaged file was kept as {}\n", *moved);
  }
  return exit_code::done;
}

// Faults that keep the directory from being opened at all are findings, too.
exit_code check(session& s) {
  const auto settings = s.directory_settings();
  if (settings.has_error()) {
    return s.report(settings.error());
  }
  std::vector<directory::check_finding> found;
  if (settings->engine == directory::engine_kind::yaml) {
    const auto users = directory::make_engine(*settings)->usage();
    if (users.has_error()) {
      found.push_back({true, users.error().cause, users.error().advice});
    }
  } else {
    directory::sqlite_engine engine(settings->file, settings->busy);
    auto checked = engine.check();
    if (checked.has_error()) {
      found.push_back({true, checked.error().cause, checked.error().advice});
    } else {
      found = std::move(*checked);
    }
  }
  bool any_error = false;
  nlohmann::json document = nlohmann::json::array();
  for (const auto& f : found) {
    any_error = any_error || f.is_error;
    document.push_back(
        {{"level", f.is_error ? "error" : "note"}, {"what", f.what}, {"advice", f.advice}});
    if (!s.json()) {
      s.out() << fmt::format("{}: {}\n", f.is_error ? "error" : "note", escape(f.what, 1000));
      if (!f.advice.empty()) {
        s.out() << "  " << escape(f.advice, 1000) << '\n';
      }
    }
  }
  if (s.json()) {
    s.print({{"directory", settings->file}, {"findings", document}});
  } else if (!any_error) {
    s.out() << fmt::format("{}: no errors\n", settings->file);
  }
  return any_error ? exit_code::negative : exit_code::done;
}

std::optional<unsigned> parse_mode(const std::string& text) {
  unsigned mode = 0;
  for (const char c : text) {
    if (c < '0' || c > '7') {
      return std::nullopt;
    }
    mode = mode * 8 + static_cast<unsigned>(c - '0');
  }
  return !text.empty() && mode <= 0777 ? std::optional(mode) : std::nullopt;
}

exit_code publish(session& s, const directory_options& o) {
  const auto mode = parse_mode(o.mode);
  if (!mode) {
    s.err() << fmt::format("homewardctl: \"{}\" is not a mode; write it as 0644\n",
                           escape(o.mode, 40));
    return exit_code::usage;
  }
  const auto settings = s.directory_settings();
  const auto engine = s.engine();
  if (settings.has_error() || engine.has_error()) {
    return s.report(settings.has_error() ? settings.error() : engine.error());
  }
  const std::string target = absolute(o.file);
  if (target == settings->file) {
    return s.report(permanent_failure(failure_reason::perm, target + " is the directory itself"));
  }
  fs::real_file_system disk;
  const auto at = directory::publish_snapshot(disk, **engine, target, *mode);
  if (at.has_error()) {
    return s.report(at.error());
  }
  if (s.json()) {
    s.print({{"published", target}, {"change", at->change}, {"generation", at->generation}});
    return exit_code::done;
  }
  s.out() << fmt::format(
      "Published to {} (change {}). Programs that have the older file open see it when "
      "they open it again.\n",
      target, at->change);
  return exit_code::done;
}

// ---- export ----

class exporter : public directory::receiver {
 public:
  explicit exporter(std::ostream& out) : out_(out) {}

 protected:
  std::ostream& out_; // NOLINT
};

class yaml_exporter final : public exporter {
 public:
  using exporter::exporter;
  void put(const directory::server& server) override {
    heading("servers:\n", 1);
    out_ << yaml_of(server);
  }
  void put(const directory::partition& partition) override {
    heading("partitions:\n", 2);
    out_ << yaml_of(partition);
  }
  void put(const directory::user& user) override {
    heading("users:\n", 3);
    out_ << yaml_of(user);
  }

 private:
  void heading(const char* text, int number) {
    if (section_ != number) {
      out_ << text;
      section_ = number;
    }
  }
  int section_ = 0;
};

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) {
    return text;
  }
  std::string quoted = "\"";
  for (const char c : text) {
    quoted += c == '"' ? "\"\"" : std::string(1, c);
  }
  return quoted + '"';
}

class csv_exporter final : public exporter {
 public:
  explicit csv_exporter(std::ostream& out) : exporter(out) {
    out << "mailbox,home,secondary,quota,state\n";
  }
  void put(const directory::server& /*server*/) override {}
  void put(const directory::partition& /*partition*/) override {}
  void put(const directory::user& user) override {
    const auto& where = user.where;
    out_ << fmt::format("{},{},{},{},{}\n", csv_cell(user.mailbox), to_string(where.primary),
                        where.secondary ? to_string(*where.secondary) : "",
                        where.quota.octets == 0 ? "" : to_string(where.quota),
                        name_of(where.state));
  }
};

exit_code export_all(session& s, const directory_options& o) {
  const auto engine = s.engine();
  if (engine.has_error()) {
    return s.report(engine.error());
  }
  std::unique_ptr<exporter> into;
  if (o.format == "csv") {
    into = std::make_unique<csv_exporter>(s.out());
  } else {
    into = std::make_unique<yaml_exporter>(s.out());
  }
  const auto at = (*engine)->load(*into);
  if (at.has_error()) {
    return s.report(at.error());
  }
  return exit_code::done;
}

void add_whole_file_commands(CLI::App& directory, session& s,
                             const std::shared_ptr<directory_options>& o) {
  auto* command = directory.add_subcommand("init", "Make a new, empty directory");
  on_chosen(*command, s, [&s] { return init(s); });

  command = directory.add_subcommand("backup", "A consistent copy, while everything runs");
  command->add_option("file", o->file, "The file to write; an older one is replaced")
      ->required()
      ->type_name("FILE");
  on_chosen(*command, s, [&s, o] { return backup(s, *o); });

  command = directory.add_subcommand("restore", "Replace the directory by a backup");
  command->footer(
      "Daemons keep running and see the old state or the restored one. Epochs never sink by "
      "it.\n\nA directory that is damaged is kept under another name.");
  command->add_option("file", o->file, "The backup")->required()->type_name("FILE");
  command->add_flag("--yes", o->yes, "Do not ask");
  on_chosen(*command, s, [&s, o] { return restore(s, *o); });

  command = directory.add_subcommand("check", "Look for damage and for what makes mail wait");
  on_chosen(*command, s, [&s] { return check(s); });
}

} // namespace

void add_directory_command(CLI::App& app, session& s) {
  auto* directory = app.add_subcommand("directory", "The directory as a whole");
  directory->require_subcommand(1);
  directory->footer("Examples:\n"
                    "  homewardctl directory init\n"
                    "  homewardctl directory backup /var/backups/homeward-directory.db\n"
                    "  homewardctl directory publish /var/lib/homeward/public/directory.db\n"
                    "  homewardctl directory export > directory.yaml");
  const auto o = std::make_shared<directory_options>();
  add_whole_file_commands(*directory, s, o);

  auto* command = directory->add_subcommand(
      "publish", "Write a read-only copy for Postfix, Dovecot and other programs");
  command->add_option("file", o->file, "The file; replaced as a whole, by rename")
      ->required()
      ->type_name("FILE");
  command->add_option("--mode", o->mode, "Its permissions")->capture_default_str();
  on_chosen(*command, s, [&s, o] { return publish(s, *o); });

  command = directory->add_subcommand("export", "Everything as text, to the standard output");
  command->add_option("--format", o->format, "yaml: a static directory; csv: for `user import`")
      ->check(CLI::IsMember({"yaml", "csv"}))
      ->capture_default_str();
  on_chosen(*command, s, [&s, o] { return export_all(s, *o); });
}

} // namespace homeward::admin
