// homewardctl user: who gets mail, and where it lives.

#include <ctime>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "lib/base/escape.hpp"
#include "lib/config/value.hpp"

#include "admin/commands.hpp"
#include "admin/output.hpp"
#include "admin/where_mail_lies.hpp"

namespace homeward::admin {

namespace {

using directory::user;
using directory::user_state;

struct user_options {
  std::string mailbox;
  std::string home;
  std::string secondary;
  std::string quota;
  std::string state;
  std::string on;
  std::string pattern;
  std::uint64_t limit = 0;
  bool names_only = false;
  bool yes = false;
};

failure no_such_user(const std::string& mailbox) {
  failure f =
      permanent_failure(failure_reason::no_user, "there is no user " + escape(mailbox, 256));
  f.advice = "See `homewardctl user list`.";
  return f;
}

// Puts --home, --secondary, --quota and --state into `where`, as far as they were given.
result<void> apply(const user_options& o, directory::home& where) {
  if (!o.home.empty()) {
    const auto home = directory::parse_partition_id(o.home);
    if (home.has_error()) {
      return home.error();
    }
    where.primary = *home;
  }
  if (o.secondary == "none") {
    where.secondary.reset();
  } else if (!o.secondary.empty()) {
    const auto second = directory::parse_partition_id(o.secondary);
    if (second.has_error()) {
      return second.error();
    }
    where.secondary = *second;
  }
  if (!o.quota.empty()) {
    const auto octets = o.quota == "none" ? 0 : config::parse_size(o.quota);
    if (!octets) {
      failure f = permanent_failure(failure_reason::syntax,
                                    fmt::format("\"{}\" is not a size", escape(o.quota, 40)));
      f.advice = "Write it as 500 MiB, 5 GiB, or none.";
      return f;
    }
    where.quota = byte_count{*octets};
  }
  where.state = directory::parse_user_state(o.state).value_or(where.state);
  return {};
}

result<user> find_user(session& s, const std::string& mailbox) {
  const auto engine = s.engine();
  if (engine.has_error()) {
    return engine.error();
  }
  auto known = (*engine)->find_user(mailbox);
  if (known.has_error()) {
    return known.error();
  }
  if (!*known) {
    return no_such_user(mailbox);
  }
  return **known;
}

// What was asked for, and the user as the directory has it now.
result<user> named_user(session& s, const user_options& o) {
  const auto mailbox = s.mailbox(o.mailbox);
  if (mailbox.has_error()) {
    return mailbox.error();
  }
  return find_user(s, *mailbox);
}

// Where the mail of a user lies, in words; just the partition's name when that is all there is to
// know.
std::string place_of(session& s, const user& u) {
  const auto partitions = (*s.engine())->partitions();
  if (partitions.has_value()) {
    for (const auto& p : *partitions) {
      if (p.id == u.where.primary) {
        return where_mail_lies(u.mailbox, p);
      }
    }
  }
  return to_string(u.where.primary);
}

void warn_of_former_mail(session& s, const directory::former_user& former) {
  s.err() << fmt::format(
      "Note: a user {} was removed on {:%Y-%m-%d}; what was left of that mail lies on "
      "{}. If this is another person, look there first.\n",
      escape(former.mailbox, 256), fmt::gmtime(static_cast<std::time_t>(former.removed_at)),
      former.home);
}

exit_code add(session& s, const user_options& o) {
  const auto mailbox = s.mailbox(o.mailbox);
  if (mailbox.has_error()) {
    return s.report(mailbox.error());
  }
  const auto engine = s.engine();
  if (engine.has_error()) {
    return s.report(engine.error());
  }
  const auto former = (*engine)->find_former(*mailbox);
  user added{.mailbox = *mailbox};
  const auto change = [&](directory::edit& e) -> result<void> {
    if (auto applied = apply(o, added.where); applied.has_error()) {
      return applied.error();
    }
    if (o.home.empty()) {
      const auto next = e.place_next();
      if (next.has_error()) {
        return next.error();
      }
      added.where.primary = *next;
    }
    auto made = e.add(added);
    if (made.has_error()) {
      return made.error();
    }
    added = std::move(*made);
    return {};
  };
  return change_directory(s, change, [&] {
    if (former.has_value() && *former) {
      warn_of_former_mail(s, **former);
    }
    if (s.json()) {
      s.print(to_json(added));
      return;
    }
    s.out() << fmt::format("User {} lives on {}{}. The Maildir is made with the first message.\n",
                           escape(added.mailbox, 256), to_string(added.where.primary),
                           o.home.empty() ? " (next in turn)" : "");
  });
}

exit_code list(session& s, const user_options& o) {
  const auto engine = s.engine();
  if (engine.has_error()) {
    return s.report(engine.error());
  }
  directory::user_filter filter{.pattern = o.pattern, .limit = o.limit};
  filter.state = directory::parse_user_state(o.state);
  if (!o.on.empty()) {
    const auto on = directory::parse_partition_id(o.on);
    if (on.has_error()) {
      return s.report(on.error());
    }
    filter.on = *on;
  }
  // JSON and names go out one by one: a million users need no memory.
  table t({"MAILBOX", "HOME", "SECOND COPY", "QUOTA>", "STATE", "EPOCH>"});
  std::uint64_t count = 0;
  const auto done = (*engine)->each_user(filter, [&](const user& u) {
    ++count;
    if (o.names_only) {
      s.out() << u.mailbox << '\n';
    } else if (s.json()) {
      s.out() << (count == 1 ? "[\n  " : ",\n  ") << to_json(u).dump();
    } else {
      t.add({u.mailbox, to_string(u.where.primary),
             u.where.secondary ? to_string(*u.where.secondary) : "-", quota_text(u.where.quota),
             std::string(name_of(u.where.state)), std::to_string(u.where.epoch)});
    }
    return true;
  });
  if (done.has_error()) {
    return s.report(done.error());
  }
  if (s.json()) {
    s.out() << (count == 0 ? "[]\n" : "\n]\n");
  } else if (!o.names_only) {
    t.print(s.out());
    s.out() << count_of(count, "user") << (o.limit != 0 && count == o.limit ? " (limit)" : "")
            << '\n';
  }
  return exit_code::done;
}

exit_code show(session& s, const user_options& o) {
  const auto known = named_user(s, o);
  if (known.has_error()) {
    return s.report(known.error());
  }
  const std::string place = place_of(s, *known);
  if (s.json()) {
    auto j = to_json(*known);
    j["mail_lies"] = place;
    s.print(j);
    return exit_code::done;
  }
  const auto& where = known->where;
  print_facts(
      s.out(),
      {{"Mailbox", known->mailbox},
       {"Home", to_string(where.primary)},
       {"Second copy", where.secondary ? to_string(*where.secondary) : "none"},
       {"Quota", quota_text(where.quota)},
       {"State", where.state == user_state::active ? "active" : "disabled: new mail is refused"},
       {"Epoch", std::to_string(where.epoch)},
       {"Mail lies", place}});
  return exit_code::done;
}

exit_code set(session& s, const user_options& o) {
  const auto known = named_user(s, o);
  if (known.has_error()) {
    return s.report(known.error());
  }
  user changed = *known;
  if (const auto applied = apply(o, changed.where); applied.has_error()) {
    return s.report(applied.error());
  }
  if (o.home.empty() && o.secondary.empty() && o.quota.empty() && o.state.empty()) {
    s.err() << "homewardctl: nothing to set: give --home, --secondary, --quota or --state\n";
    return exit_code::usage;
  }
  const bool is_moved = changed.where.primary != known->where.primary;
  if (is_moved && !o.yes &&
      !s.confirm(fmt::format(
          "New mail for {} will go to {}. Mail that is already there is not moved: it "
          "stays at\n  {}\nand readers that follow the directory will not show it. "
          "Change the home?",
          escape(known->mailbox, 256), to_string(changed.where.primary), place_of(s, *known)))) {
    return exit_code::refused;
  }
  const auto change = [&](directory::edit& e) -> result<void> {
    auto now = e.set(changed);
    if (now.has_error()) {
      return now.error();
    }
    changed = std::move(*now);
    return {};
  };
  return change_directory(s, change, [&] {
    if (s.json()) {
      s.print(to_json(changed));
      return;
    }
    s.out() << fmt::format("User {}: home {}, second copy {}, quota {}, {}, epoch {}.\n",
                           escape(changed.mailbox, 256), to_string(changed.where.primary),
                           changed.where.secondary ? to_string(*changed.where.secondary) : "none",
                           quota_text(changed.where.quota), name_of(changed.where.state),
                           changed.where.epoch);
  });
}

exit_code remove(session& s, const user_options& o) {
  const auto known = named_user(s, o);
  if (known.has_error()) {
    return s.report(known.error());
  }
  const std::string place = place_of(s, *known);
  if (!o.yes && !s.confirm(fmt::format(
                    "Remove user {}? New mail will be refused with \"no such user\". No mail is "
                    "deleted: what is stored stays at\n  {}\nRemove the user?",
                    escape(known->mailbox, 256), place))) {
    return exit_code::refused;
  }
  return change_directory(
      s,
      [&](directory::edit& e) -> result<void> {
        const auto removed = e.remove_user(known->mailbox);
        if (removed.has_error()) {
          return removed.error();
        }
        return {};
      },
      [&] {
        if (s.json()) {
          s.print({{"removed", known->mailbox}, {"mail_lies", place}});
          return;
        }
        s.out() << fmt::format(
            "User {} is no longer in the directory. Nothing was deleted: the mail lies "
            "at\n  {}\n",
            escape(known->mailbox, 256), place);
      });
}

void add_mailbox(CLI::App& command, user_options& o) {
  command.add_option("mailbox", o.mailbox, "The mailbox, such as ann@example.org")
      ->required()
      ->type_name("MAILBOX");
}

void add_home_options(CLI::App& command, user_options& o) {
  command.add_option("--home", o.home, "The partition where the mail of this user lives")
      ->type_name("SERVER/DIRECTORY");
  command.add_option("--secondary", o.secondary, "The partition of a second copy, or none")
      ->type_name("SERVER/DIRECTORY|none");
  command.add_option("--quota", o.quota, "The limit of the mailbox, such as 5GiB, or none")
      ->type_name("SIZE|none");
  command.add_option("--state", o.state, "active, or disabled: new mail is refused")
      ->check(CLI::IsMember({"active", "disabled"}));
}

} // namespace

void add_user_command(CLI::App& app, session& s) {
  auto* user = app.add_subcommand("user", "Users and their homes");
  user->require_subcommand(1);
  user->footer(
      "Examples:\n"
      "  homewardctl user add ann@example.org\n"
      "  homewardctl user add bob@example.org --home store1/mail1 --quota 5GiB\n"
      "  homewardctl user list '*@example.org' --on store1/mail1\n"
      "  homewardctl user import --format passwd --domain example.org /etc/passwd --dry-run");
  const auto o = std::make_shared<user_options>();

  auto* command =
      user->add_subcommand("add", "Add a user; without --home on the next partition in turn");
  add_mailbox(*command, *o);
  add_home_options(*command, *o);
  on_chosen(*command, s, [&s, o] { return add(s, *o); });

  command = user->add_subcommand("list", "Users in the order of their names");
  command->add_option("pattern", o->pattern, "Only these; * and ? as in the shell (quote them)");
  command
      ->add_option("--on", o->on, "Only those who live, or have a second copy, on this partition")
      ->type_name("SERVER/DIRECTORY");
  command->add_option("--state", o->state, "Only those in this state")
      ->check(CLI::IsMember({"active", "disabled"}));
  command->add_option("--limit", o->limit, "At most so many");
  command->add_flag("--names", o->names_only, "Only the names, one a line");
  on_chosen(*command, s, [&s, o] { return list(s, *o); });

  command = user->add_subcommand("show", "One user");
  add_mailbox(*command, *o);
  on_chosen(*command, s, [&s, o] { return show(s, *o); });

  command = user->add_subcommand("set", "Change a user; mail that is stored is not moved");
  add_mailbox(*command, *o);
  add_home_options(*command, *o);
  command->add_flag("--yes", o->yes, "Do not ask before the home is changed");
  on_chosen(*command, s, [&s, o] { return set(s, *o); });

  command = user->add_subcommand("remove", "Remove a user from the directory; no mail is deleted");
  add_mailbox(*command, *o);
  command->add_flag("--yes", o->yes, "Do not ask");
  on_chosen(*command, s, [&s, o] { return remove(s, *o); });

  add_user_import(*user, s);
}

} // namespace homeward::admin
