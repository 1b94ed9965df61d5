// Backup, restore and check of the SQLite engine.

#include <cerrno>
#include <ctime>
#include <map>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/base/escape.hpp"
#include "lib/base/random.hpp"
#include "lib/directory/file_swap.hpp"
#include "lib/directory/sqlite_database.hpp"
#include "lib/directory/sqlite_engine.hpp"
#include "lib/directory/sqlite_rows.hpp"
#include "lib/directory/sqlite_schema.hpp"
#include "lib/fs/real_file_system.hpp"

namespace homeward::directory {

namespace {

// A consistent copy of `from` into the empty file `to`, without WAL.
result<void> copy_into(sqlite_database& from, const std::string& to) {
  auto copy = from.prepare("VACUUM INTO ?1");
  if (copy.has_error()) {
    return copy.error();
  }
  if (auto done = copy->bind(1, to).run(); done.has_error()) {
    return done.error();
  }
  auto written = sqlite_database::open(to, sqlite_database::mode::read_write, 1000);
  if (written.has_error()) {
    return written.error();
  }
  if (auto mode = (*written)->text("PRAGMA journal_mode=DELETE"); mode.has_error()) {
    return mode.error();
  }
  return {};
}

// The first fault that SQLite itself finds, or "".
result<std::string> integrity(sqlite_database& database) {
  const auto verdict = database.text("PRAGMA integrity_check(1)");
  if (verdict.has_error()) {
    return verdict.error();
  }
  if (verdict->value_or("") != "ok") {
    return verdict->value_or("no answer");
  }
  const auto broken = database.text("PRAGMA foreign_key_check");
  if (broken.has_error()) {
    return broken.error();
  }
  return *broken ? "a reference from table " + **broken + " leads nowhere" : std::string{};
}

// In the copy to be restored (main), nothing may be older than stores have seen it (live): epochs
// rise, and users that the backup does not have are remembered as former ones.
constexpr const char* carry_epochs = R"sql(
UPDATE users SET epoch = max(
    epoch,
    coalesce((SELECT l.epoch + (l.server <> h.server OR l.directory <> h.directory
                                OR l.secondary_server IS NOT h.secondary_server
                                OR l.secondary_directory IS NOT h.secondary_directory)
                FROM live.user_homes l JOIN main.user_homes h ON h.mailbox = l.mailbox
               WHERE l.mailbox = users.mailbox), 0),
    coalesce((SELECT f.epoch + 1 FROM live.former_users f WHERE f.mailbox = users.mailbox), 0));
INSERT OR REPLACE INTO former_users (mailbox, epoch, home, removed_at)
  SELECT f.mailbox, max(f.epoch, coalesce((SELECT o.epoch FROM main.former_users o
                                            WHERE o.mailbox = f.mailbox), 0)), f.home, f.removed_at
    FROM live.former_users f WHERE f.mailbox NOT IN (SELECT mailbox FROM main.users);
INSERT OR REPLACE INTO former_users (mailbox, epoch, home)
  SELECT l.mailbox, l.epoch, l.server || '/' || l.directory
    FROM live.user_homes l WHERE l.mailbox NOT IN (SELECT mailbox FROM main.users);
)sql";

result<void> attach_and_carry(sqlite_database& copy, const std::string& live) {
  auto attach = copy.prepare("ATTACH DATABASE ?1 AS live");
  if (attach.has_error()) {
    return attach.error();
  }
  if (auto done = attach->bind(1, live).run(); done.has_error()) {
    return done.error();
  }
  if (auto done = copy.execute(std::string("BEGIN;") + carry_epochs + "COMMIT"); done.has_error()) {
    return done.error();
  }
  return copy.execute("DETACH DATABASE live");
}

// Overwrites the content of `to` by that of `from` in one transaction of `to`.
result<void> overwrite(sqlite_database& from, sqlite_database& to) {
  if (auto done = to.execute("PRAGMA synchronous=FULL"); done.has_error()) {
    return done;
  }
  sqlite3_backup* copying = sqlite3_backup_init(to.native(), "main", from.native(), "main");
  if (copying == nullptr) {
    return to.trouble(SQLITE_ERROR, "restore");
  }
  // In one step; a lock of another program is waited for as long as the busy limit says.
  const int code = sqlite3_backup_step(copying, -1);
  const int end = sqlite3_backup_finish(copying);
  if (code != SQLITE_DONE) {
    return sqlite_failure(code, to.file(), sqlite3_errstr(code), "restore");
  }
  if (end != SQLITE_OK) {
    return to.trouble(end, "restore");
  }
  return {};
}

std::string time_stamp() {
  const std::time_t now = std::time(nullptr);
  std::tm utc = {};
  ::gmtime_r(&now, &utc);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

// Nobody knows any more how far the epochs had risen when the live directory cannot be read: raised
// by more than anyone moves a mailbox between two backups.
constexpr const char* leap_epochs = "UPDATE users SET epoch = epoch + 1000;"
                                    "UPDATE former_users SET epoch = epoch + 1000;";

// A damaged directory is kept beside its successor, for whoever wants to look into it. Returns its
// new name,
// "" when there was none.
result<std::string> move_away(fs::file_system& disk, const std::string& file) {
  const auto parts = split_path(file);
  if (parts.has_error()) {
    return parts.error();
  }
  const auto folder = disk.open_directory(parts->folder);
  if (folder.has_error()) {
    return fs::to_failure(folder.error(), parts->folder);
  }
  const std::string suffix = ".damaged-" + time_stamp();
  bool moved = false;
  for (const std::string side : {"", "-wal", "-shm"}) {
    const std::string name = parts->name + side;
    const auto done =
        disk.rename_at(*folder, name, *folder, name + suffix, fs::on_existing::refuse);
    if (done.has_error() && !(done.error() == ENOENT)) {
      return fs::to_failure(done.error(), file + side);
    }
    moved = moved || (side.empty() && done.has_value());
  }
  return moved ? file + suffix : std::string{};
}

enum class live_state : unsigned char { usable, absent, damaged };

// Whether there is a directory to be overwritten. A file that is something else, newer, or locked
// is a failure: it must not be replaced.
result<live_state> state_of(const std::string& file, int busy_milliseconds) {
  struct stat facts = {};
  if (::stat(file.c_str(), &facts) != 0) {
    return errno == ENOENT ? result<live_state>(live_state::absent)
                           : failure_from_errno(errno, "stat " + file);
  }
  if (facts.st_size == 0) {
    return live_state::absent;
  }
  auto live = sqlite_database::open(file, sqlite_database::mode::read_write, busy_milliseconds);
  if (live.has_error()) {
    return live.error();
  }
  const auto is_damage = [&] {
    const int code = (*live)->extended_error() & 0xFF;
    return code == SQLITE_NOTADB || code == SQLITE_CORRUPT;
  };
  if (auto usable = check_schema(**live); usable.has_error()) {
    return is_damage() ? result<live_state>(live_state::damaged) : usable.error();
  }
  const auto fault = integrity(**live);
  if (fault.has_error()) {
    return is_damage() ? result<live_state>(live_state::damaged) : fault.error();
  }
  return fault->empty() ? live_state::usable : live_state::damaged;
}

// A checked copy of the backup in the new file, with a generation of its own.
result<std::unique_ptr<sqlite_database>> copy_of_backup(const std::string& backup,
                                                        const std::string& to) {
  if (::access(backup.c_str(), R_OK) != 0) {
    return failure_from_errno(errno, "open " + backup);
  }
  auto source = sqlite_database::open(backup, sqlite_database::mode::read_write, 1000);
  if (source.has_error()) {
    return source.error();
  }
  if (auto usable = check_schema(**source); usable.has_error()) {
    return usable.error();
  }
  const auto fault = integrity(**source);
  if (fault.has_error()) {
    return fault.error();
  }
  if (!fault->empty()) {
    return transient_failure("the backup is damaged", backup + ": " + *fault,
                             "Use another backup; nothing was changed.");
  }
  if (auto done = copy_into(**source, to); done.has_error()) {
    return done.error();
  }
  auto copy = sqlite_database::open(to, sqlite_database::mode::read_write, 1000);
  if (copy.has_error()) {
    return copy.error();
  }
  if (auto done = renew_generation(**copy); done.has_error()) {
    return done.error();
  }
  return copy;
}

// ---- check ----

void check_places(const std::vector<server>& servers, const std::vector<partition>& partitions,
                  const std::vector<partition_use>& usage, std::vector<check_finding>& found) {
  std::map<partition_id, std::uint64_t> users;
  for (const auto& use : usage) {
    users[use.id] = use.primary + use.secondary;
  }
  bool any_active = false;
  for (const auto& p : partitions) {
    any_active = any_active || (p.state == partition_state::active && p.weight > 0);
    if (const std::string wrong = complaint(p); !wrong.empty()) {
      found.push_back({true, wrong, "Change it with `homewardctl partition set`."});
    }
    if (p.state == partition_state::offline && users[p.id] != 0) {
      found.push_back({false,
                       fmt::format("partition {} is offline: mail for its {} users waits",
                                   to_string(p.id), users[p.id]),
                       "`homewardctl partition set " + to_string(p.id) + " --state active`."});
    }
    for (const auto& s : servers) {
      if (s.name == p.id.server && s.endpoints.empty() && p.kind == partition_kind::stored) {
        found.push_back({true,
                         fmt::format("server {} has no address, but partition {} is reached "
                                     "through its stored: mail for its users waits",
                                     s.name, to_string(p.id)),
                         "`homewardctl server set " + s.name + " --endpoint HOST:PORT`."});
      }
    }
  }
  for (const auto& s : servers) {
    if (const std::string wrong = complaint(s); !wrong.empty()) {
      found.push_back({true, wrong, "Change it with `homewardctl server set`."});
    }
  }
  if (!any_active) {
    found.push_back({false, "no partition takes new users: `user add` needs --home",
                     "Set one to active with a weight above 0, or add one."});
  }
}

void check_user(const user& u, std::vector<check_finding>& found) {
  if (const std::string wrong = complaint(u); !wrong.empty()) {
    found.push_back({true, wrong, "Remove that user and add it again as it should be."});
  } else if (std::any_of(u.mailbox.begin(), u.mailbox.end(),
                         [](char c) { return c >= 'A' && c <= 'Z'; })) {
    found.push_back({false,
                     escape(u.mailbox, 120) +
                         " has capital letters: it is found only where addresses.fold_case is off",
                     {}});
  }
}

constexpr std::size_t most_findings = 1000;

} // namespace

result<void> sqlite_engine::backup(const std::string& target) {
  const auto database = connect();
  if (database.has_error()) {
    return database.error();
  }
  fs::real_file_system disk;
  auto swap = file_swap::begin(disk, target);
  if (swap.has_error()) {
    return swap.error();
  }
  if (auto done = copy_into(**database, swap->path()); done.has_error()) {
    return done.error();
  }
  return swap->commit();
}

result<std::string> sqlite_engine::restore(const std::string& backup) {
  const auto state = state_of(file_, static_cast<int>(busy_.count()));
  if (state.has_error()) {
    return state.error();
  }
  fs::real_file_system disk;
  auto swap = file_swap::begin(disk, file_);
  if (swap.has_error()) {
    return swap.error();
  }
  auto copy = copy_of_backup(backup, swap->path());
  if (copy.has_error()) {
    return copy.error();
  }
  if (*state == live_state::usable) {
    const auto live = connect();
    if (live.has_error()) {
      return live.error();
    }
    if (auto done = attach_and_carry(**copy, file_); done.has_error()) {
      return done.error();
    }
    if (auto done = overwrite(**copy, **live); done.has_error()) {
      return done.error();
    }
    return std::string{};
  }

  if (auto done = (*copy)->execute(leap_epochs); done.has_error()) {
    return done.error();
  }
  if (auto mode = (*copy)->text("PRAGMA journal_mode=WAL"); mode.has_error()) {
    return mode.error();
  }
  copy->reset();
  database_.reset();
  auto moved = move_away(disk, file_);
  if (moved.has_error()) {
    return moved.error();
  }
  if (::chmod(swap->path().c_str(), 0660) != 0) {
    return failure_from_errno(errno, "chmod " + swap->path());
  }
  if (auto done = swap->commit(); done.has_error()) {
    return done.error();
  }
  return moved;
}

result<std::vector<check_finding>> sqlite_engine::check() {
  const auto database = connect();
  if (database.has_error()) {
    return database.error();
  }
  std::vector<check_finding> found;
  const auto fault = integrity(**database);
  if (fault.has_error()) {
    return fault.error();
  }
  if (!fault->empty()) {
    found.push_back({true, "the file is damaged: " + *fault,
                     "Restore a backup: `homewardctl directory restore FILE`."});
    return found;
  }
  struct stat facts = {};
  if (::stat(file_.c_str(), &facts) == 0 && (facts.st_mode & 07U) != 0) {
    found.push_back(
        {false, file_ + " can be read or written by every user of this host", "chmod o= " + file_});
  }
  const auto all_servers = read_servers(**database);
  const auto all_partitions = read_partitions(**database);
  const auto uses = usage();
  if (const auto f = first_failure(all_servers, all_partitions, uses)) {
    return *f;
  }
  check_places(*all_servers, *all_partitions, *uses, found);
  auto done = each_user({}, [&](const user& u) {
    check_user(u, found);
    return found.size() < most_findings;
  });
  if (done.has_error()) {
    return done.error();
  }
  return found;
}

} // namespace homeward::directory
