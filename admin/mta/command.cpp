#include "admin/mta/command.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "admin/mta/installation.hpp"
#include "admin/mta/report.hpp"
#include "admin/mta/work_place.hpp"
#include "admin/output.hpp"

namespace homeward::admin::mta {

namespace {

bool cut_short(const backup& b) {
  return b.state == backup_state::applying || b.state == backup_state::rolling_back;
}

failure foreign(const std::vector<foreign_change>& changes) {
  failure f =
      permanent_failure(failure_reason::perm,
                        fmt::format("{} was changed since by somebody else", changes.front().path));
  for (const auto& change : changes) {
    f.cause += "\n" + change.diff;
  }
  f.advice = "Nothing was changed. Bring these edits elsewhere, or give --force to lose them.";
  return f;
}

// Whom the MTA serves is its own affair, but a user whom the bridge does not know gets no mail.
void ask_directory(session& s, const settings& chosen, plan& p) {
  const auto users = directory_of(s);
  for (const auto& user : chosen.users) {
    const auto known = users.knows(user);
    if (!known) {
      p.warnings.push_back(fmt::format("Homeward's directory was not asked whether it knows these "
                                       "users ({}).",
                                       known.error().what));
      return;
    }
    if (!*known) {
      p.problems.push_back(fmt::format("{} is not in Homeward's directory: mail would be returned "
                                       "(550). Add the user first: homewardctl user add {}.",
                                       user, user));
    }
  }
  for (const auto& domain : chosen.domains) {
    const auto names = users.local_parts(domain);
    if (!names || names->empty()) {
      p.warnings.push_back(
          names ? fmt::format("Homeward's directory has no user in {}: all its mail would be "
                              "returned (550).",
                              domain)
                : fmt::format("Homeward's directory was not asked about {} ({}).", domain,
                              names.error().what));
    }
  }
}

result<plan> staged_plan(session& s, work_place& place, driver& mta) {
  const auto staging = place.staging();
  if (!staging) {
    return staging.error();
  }
  auto p = mta.make_plan(*staging);
  if (p) {
    ask_directory(s, place.chosen(), *p);
    if (place.chosen().domains.empty() && place.chosen().users.empty()) {
      p->notes.emplace_back("The settings file names no domain and no user.");
    }
  }
  return p;
}

result<std::unique_ptr<driver>> driver_of(session& s, settings chosen, const backup& b) {
  chosen.mta = b.mta;
  chosen.configuration = b.configuration;
  return make_driver(std::move(chosen), directory_of(s));
}

// Puts back what one backup holds, and has the MTA read it.
result<void> put_back(session& s, work_place& place, const std::string& name, bool force) {
  auto b = place.store().load(name);
  if (!b) {
    return b.error();
  }
  const auto changes = changed_since(*b);
  if (!changes) {
    return changes.error();
  }
  if (!changes->empty() && !force) {
    return foreign(*changes);
  }
  const auto mta = driver_of(s, place.chosen(), *b);
  const bool running = mta && (*mta)->is_running();
  std::vector<std::string> left;
  if (auto restored = restore(place.files(), place.store(), *b, left); !restored) {
    return restored;
  }
  for (const auto& directory : left) {
    s.err() << fmt::format("{} is not empty and stays.\n", directory);
  }
  if (!running || place.chosen().reload.how == reload_kind::none) {
    return {};
  }
  return (*mta)->reload();
}

// What an apply or rollback that was cut short left behind.
result<void> repair(session& s, work_place& place, bool force) {
  const auto backups = place.store().list();
  if (!backups) {
    return backups.error();
  }
  for (auto b = backups->rbegin(); b != backups->rend(); ++b) {
    if (!cut_short(*b)) {
      continue;
    }
    if (auto done = put_back(s, place, b->name, force); !done) {
      return done;
    }
    s.err() << fmt::format("{} was cut short; everything is as it was before it.\n", b->name);
  }
  return {};
}

bool unchanged(const backup& b) {
  return std::all_of(b.files.begin(), b.files.end(), [](const saved_file& f) {
    const auto now = read_image(f.path);
    return now && now->exists == f.before.exists && now->text == f.before.text;
  });
}

// Installs, reloads, looks whether it is well; after a failure all is as before.
result<void> carry_out(session& s, work_place& place, driver& mta, const plan& p, backup& b) {
  const bool was_running = mta.is_running();
  const bool reloads = was_running && place.chosen().reload.how != reload_kind::none;
  auto done = install(place.files(), place.store(), b, p);
  if (done && reloads) {
    done = mta.reload();
  }
  if (done) {
    done = mta.verify(p.probes, reloads);
  }
  if (done) {
    done = settle(place.store(), b);
  }
  if (done) {
    return done;
  }
  failure f = done.error();
  std::vector<std::string> left;
  if (const auto restored = restore(place.files(), place.store(), b, left); !restored) {
    f.advice = fmt::format("Putting everything back failed, too: {} {}. Run `homewardctl mta "
                           "rollback {}`.",
                           restored.error().what, restored.error().cause, b.name);
    return f;
  }
  f.advice = "Everything was put back as it was.";
  if (reloads) {
    if (const auto again = mta.reload(); !again) {
      f.advice += fmt::format(" But the MTA could not be reloaded: {} {}.", again.error().what,
                              again.error().cause);
    }
  }
  static_cast<void>(s);
  return f;
}

void print_applied(session& s, driver& mta, const work_place& place, const backup& b,
                   bool running) {
  if (s.json()) {
    s.print({{"applied", b.name}});
    return;
  }
  s.out() << fmt::format("Applied. What was there before is kept in {}/{}.\n",
                         place.chosen().backups, b.name);
  if (!running) {
    s.out() << "The MTA does not run; it reads this when it starts.\n";
  } else if (place.chosen().reload.how == reload_kind::none) {
    s.out() << "The MTA was not told: reload it yourself.\n";
  }
  print_waiting(s, mta.waiting());
  s.out() << fmt::format("To undo: homewardctl mta rollback {}\n", b.name);
}

exit_code apply_plan(session& s, const command_options& o, work_place& place, driver& mta,
                     const plan& p) {
  auto b = draft_backup(p, place.store().new_name());
  if (!b) {
    return s.report(b.error());
  }
  if (!o.yes && !s.confirm("Apply this?")) {
    return exit_code::refused;
  }
  if (!unchanged(*b)) {
    return s.report(transient_failure("the configuration was changed while the question was asked",
                                      "", "Nothing was changed. Run it again."));
  }
  if (const auto done = carry_out(s, place, mta, p, *b); !done) {
    return s.report(done.error());
  }
  print_applied(s, mta, place, *b, mta.is_running());
  return exit_code::done;
}

// Mail in directories that the old configuration does not read would be forgotten.
std::vector<std::string> directories_with_mail(const backup& b) {
  std::vector<std::string> found;
  for (const auto& directory : b.directories) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
      if (entry.is_regular_file(error)) {
        found.push_back(directory);
        break;
      }
    }
  }
  return found;
}

result<std::vector<std::string>> backups_to_undo(work_place& place, const std::string& wanted) {
  const auto backups = place.store().list();
  if (!backups) {
    return backups.error();
  }
  std::vector<std::string> names;
  bool found = wanted.empty();
  for (auto b = backups->rbegin(); b != backups->rend(); ++b) {
    if (b->state != backup_state::rolled_back && (wanted.empty() || b->name >= wanted)) {
      names.push_back(b->name);
    }
    found = found || b->name == wanted;
    if (wanted.empty() && !names.empty()) {
      break;
    }
  }
  if (!found) {
    failure f =
        permanent_failure(failure_reason::perm, fmt::format("there is no backup {}", wanted));
    f.advice = "`homewardctl mta backups` lists them.";
    return f;
  }
  return names;
}

result<void> undo(session& s, const command_options& o, work_place& place,
                  const std::string& name) {
  const auto b = place.store().load(name);
  if (!b) {
    return b.error();
  }
  if (const auto full = directories_with_mail(*b); !full.empty() && !o.force) {
    failure f = permanent_failure(
        failure_reason::perm,
        fmt::format("mail waits in queue directories that the old configuration does not read: {}",
                    join(full, ", ")));
    f.advice = "Nothing was changed. Deliver it first (sendmail -qf), or give --force and deliver "
               "it with homeward-drain.";
    return f;
  }
  return put_back(s, place, name, o.force);
}

} // namespace

exit_code show_plan(session& s, const command_options& o) {
  auto chosen = read_settings(o, false);
  if (!chosen) {
    return s.report(chosen.error());
  }
  work_place place(std::move(*chosen));
  if (const auto opened = place.open(); !opened) {
    return s.report(opened.error());
  }
  const auto mta = make_driver(place.chosen(), directory_of(s));
  if (!mta) {
    return s.report(mta.error());
  }
  const auto p = staged_plan(s, place, **mta);
  if (!p) {
    return s.report(p.error());
  }
  if (s.json()) {
    s.print(to_json(*p));
  } else {
    print_plan(s, *p);
  }
  if (!p->problems.empty()) {
    return exit_code::refused;
  }
  if (!p->changes_anything() && !s.json()) {
    s.out() << "Nothing to do: the configuration is as it shall be.\n";
  }
  return p->changes_anything() ? exit_code::negative : exit_code::done;
}

exit_code apply(session& s, const command_options& o) {
  auto chosen = read_settings(o, false);
  if (!chosen) {
    return s.report(chosen.error());
  }
  work_place place(std::move(*chosen));
  if (const auto opened = place.open(); !opened) {
    return s.report(opened.error());
  }
  if (const auto repaired = repair(s, place, o.force); !repaired) {
    return s.report(repaired.error());
  }
  const auto mta = make_driver(place.chosen(), directory_of(s));
  if (!mta) {
    return s.report(mta.error());
  }
  const auto p = staged_plan(s, place, **mta);
  if (!p) {
    return s.report(p.error());
  }
  if (!s.json()) {
    print_plan(s, *p);
  }
  if (!p->problems.empty()) {
    failure f = permanent_failure(failure_reason::perm, "this cannot be applied",
                                  join(p->problems, "\n  "));
    f.advice = "Nothing was changed.";
    return s.report(f);
  }
  if (!p->changes_anything()) {
    s.json()
        ? s.print({{"applied", nullptr}})
        : static_cast<void>(s.out() << "Nothing to do: the configuration is as it shall be.\n");
    return exit_code::done;
  }
  return apply_plan(s, o, place, **mta, *p);
}

exit_code check(session& s, const command_options& o) {
  auto chosen = read_settings(o, true);
  if (!chosen) {
    return s.report(chosen.error());
  }
  const auto mta = make_driver(std::move(*chosen), directory_of(s));
  if (!mta) {
    return s.report(mta.error());
  }
  const auto findings = (*mta)->check();
  if (!findings) {
    return s.report(findings.error());
  }
  print_findings(s, *findings);
  const bool bites = std::any_of(findings->begin(), findings->end(),
                                 [](const finding& f) { return f.how_bad != severity::advice; });
  return bites ? exit_code::negative : exit_code::done;
}

exit_code roll_back(session& s, const command_options& o) {
  auto chosen = read_settings(o, true);
  if (!chosen) {
    return s.report(chosen.error());
  }
  work_place place(std::move(*chosen));
  if (const auto opened = place.open(); !opened) {
    return s.report(opened.error());
  }
  const auto names = backups_to_undo(place, o.backup);
  if (!names) {
    return s.report(names.error());
  }
  if (names->empty()) {
    s.err() << "Nothing to take back: no apply is in force.\n";
    return exit_code::negative;
  }
  if (!o.yes && !s.confirm(fmt::format("Take back {}?", join(*names, ", ")))) {
    return exit_code::refused;
  }
  for (const auto& name : *names) {
    if (const auto done = undo(s, o, place, name); !done) {
      return s.report(done.error());
    }
    if (!s.json()) {
      s.out() << fmt::format("{} is taken back: every file is as it was.\n", name);
    }
  }
  if (s.json()) {
    s.print({{"rolled_back", *names}});
    return exit_code::done;
  }
  if (const auto b = place.store().load(names->back()); b) {
    if (const auto mta = driver_of(s, place.chosen(), *b); mta) {
      print_waiting(s, (*mta)->waiting());
    }
  }
  return exit_code::done;
}

exit_code list_backups(session& s, const command_options& o) {
  auto chosen = read_settings(o, true);
  if (!chosen) {
    return s.report(chosen.error());
  }
  fs::real_file_system files;
  const auto backups = backup_store(files, chosen->backups).list();
  if (!backups) {
    return s.report(backups.error());
  }
  print_backups(s, *backups);
  return exit_code::done;
}

} // namespace homeward::admin::mta
