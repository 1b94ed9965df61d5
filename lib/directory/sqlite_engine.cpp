#include "lib/directory/sqlite_engine.hpp"

#include <cerrno>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "lib/directory/sqlite_database.hpp"
#include "lib/directory/sqlite_edit.hpp"
#include "lib/directory/sqlite_rows.hpp"
#include "lib/directory/sqlite_schema.hpp"

namespace homeward::directory {

namespace {

// A read transaction: everything read within it is of one moment.
class read_transaction {
 public:
  explicit read_transaction(sqlite_database& database) : database_(database) {}
  read_transaction(const read_transaction&) = delete;
  read_transaction& operator=(const read_transaction&) = delete;
  ~read_transaction() {
    if (open_) {
      (void)database_.execute("COMMIT");
    }
  }
  [[nodiscard]] result<void> begin() {
    auto done = database_.execute("BEGIN");
    open_ = done.has_value();
    return done;
  }

 private:
  sqlite_database& database_;
  bool open_ = false;
};

// How many there were.
result<std::int64_t> put_users(sqlite_statement& rows, receiver& into) {
  std::int64_t count = 0;
  auto done = each_row(rows, [&](const sqlite_statement& row) {
    into.put(read_user(row));
    ++count;
    return true;
  });
  if (done.has_error()) {
    return done.error();
  }
  return count;
}

// The names that changed after `change`, each once.
result<std::vector<std::string>> changed_names(sqlite_database& database, std::string_view kind,
                                               std::int64_t change) {
  auto rows =
      database.prepare("SELECT DISTINCT name FROM change_log WHERE change > ?1 AND kind = ?2");
  if (rows.has_error()) {
    return rows.error();
  }
  rows->bind(1, change).bind(2, kind);
  std::vector<std::string> names;
  auto done = each_row(*rows, [&](const sqlite_statement& row) {
    names.emplace_back(row.text(0));
    return true;
  });
  if (done.has_error()) {
    return done.error();
  }
  return names;
}

result<void> put_changed_users(sqlite_database& database, std::int64_t change, receiver& into) {
  auto rows = database.prepare(
      fmt::format("SELECT {}, c.name FROM (SELECT DISTINCT name FROM change_log WHERE change > ?1"
                  " AND kind = 'user') c LEFT JOIN users u ON u.mailbox = c.name"
                  " LEFT JOIN partitions p ON p.id = u.primary_partition"
                  " LEFT JOIN partitions s ON s.id = u.secondary_partition",
                  user_columns));
  if (rows.has_error()) {
    return rows.error();
  }
  rows->bind(1, change);
  return each_row(*rows, [&](const sqlite_statement& row) {
    if (row.is_null(0)) {
      into.removed_user(row.text(8));
    } else {
      into.put(read_user(row));
    }
    return true;
  });
}

// Servers and partitions are few: those that changed are picked from all.
result<void> put_changed_places(sqlite_database& database, std::int64_t change, receiver& into) {
  const auto server_names = changed_names(database, "server", change);
  const auto partition_names = changed_names(database, "partition", change);
  const auto servers = read_servers(database);
  const auto partitions = read_partitions(database);
  if (const auto f = first_failure(server_names, partition_names, servers, partitions)) {
    return *f;
  }
  const auto is_in = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  std::vector<std::string> present;
  for (const auto& s : *servers) {
    present.push_back(s.name);
    if (is_in(*server_names, s.name)) {
      into.put(s);
    }
  }
  for (const auto& p : *partitions) {
    present.push_back(to_string(p.id));
    if (is_in(*partition_names, to_string(p.id))) {
      into.put(p);
    }
  }
  for (const auto& name : *partition_names) {
    const auto id = parse_partition_id(name);
    if (!is_in(present, name) && id.has_value()) {
      into.removed_partition(*id);
    }
  }
  for (const auto& name : *server_names) {
    if (!is_in(present, name)) {
      into.removed_server(name);
    }
  }
  return {};
}

// Shell wildcards as GLOB understands them: only "*" and "?" are special here.
std::string glob_of(std::string_view pattern) {
  std::string glob;
  for (const char c : pattern) {
    glob += c == '[' ? std::string("[[]") : std::string(1, c);
  }
  return glob;
}

} // namespace

sqlite_engine::sqlite_engine(std::string file, std::chrono::milliseconds busy)
    : file_(std::move(file)), busy_(busy) {}

sqlite_engine::~sqlite_engine() = default;

result<void> sqlite_engine::initialise(const std::string& file) {
  if (::access(file.c_str(), F_OK) == 0) {
    failure f = permanent_failure(failure_reason::perm, file + " exists already");
    f.advice = "A directory is never overwritten: name another file, or move this one away first.";
    return f;
  }
  auto database = sqlite_database::open(file, sqlite_database::mode::create, 5000);
  if (database.has_error()) {
    return database.error();
  }
  // Before the first write, so that the side files of WAL mode get the same permissions.
  if (::chmod(file.c_str(), 0660) != 0) {
    return failure_from_errno(errno, "chmod " + file);
  }
  return create_schema(**database, journal::wal);
}

result<sqlite_database*> sqlite_engine::connect() {
  struct stat now = {};
  if (::stat(file_.c_str(), &now) != 0) {
    const int error = errno;
    database_.reset();
    return sqlite_failure(SQLITE_CANTOPEN, file_, std::generic_category().message(error), "open");
  }
  if (!database_ || now.st_dev != device_ || now.st_ino != inode_) {
    database_.reset();
    auto opened = sqlite_database::open(file_, sqlite_database::mode::read_write,
                                        static_cast<int>(busy_.count()));
    if (opened.has_error()) {
      return opened.error();
    }
    database_ = std::move(*opened);
    device_ = now.st_dev;
    inode_ = now.st_ino;
  }
  // Every time: another program may have upgraded or damaged it since.
  if (auto usable = check_schema(*database_); usable.has_error()) {
    database_.reset();
    return usable.error();
  }
  return database_.get();
}

result<position> sqlite_engine::load(receiver& into) {
  const auto database = connect();
  if (database.has_error()) {
    return database.error();
  }
  read_transaction transaction(**database);
  if (auto begun = transaction.begin(); begun.has_error()) {
    return begun.error();
  }
  auto at = read_position(**database);
  const auto servers = read_servers(**database);
  const auto partitions = read_partitions(**database);
  const auto count = (*database)->number("SELECT count(*) FROM users");
  auto users = (*database)->prepare(fmt::format("SELECT {} FROM {}", user_columns, user_tables));
  if (const auto f = first_failure(at, servers, partitions, count, users)) {
    return *f;
  }
  for (const auto& s : *servers) {
    into.put(s);
  }
  for (const auto& p : *partitions) {
    into.put(p);
  }
  into.expect_users(static_cast<std::uint64_t>(*count));
  const auto put = put_users(*users, into);
  if (put.has_error()) {
    return put.error();
  }
  if (*put != *count) {
    // The count comes from an index, the users from the table: a user that is lost is a user that
    // bounces.
    return sqlite_failure(SQLITE_CORRUPT, file_,
                          fmt::format("{} users are counted, {} are there", *count, *put), "load");
  }
  return at;
}

result<std::optional<position>> sqlite_engine::changes_since(const position& known,
                                                             receiver& into) {
  const auto database = connect();
  if (database.has_error()) {
    return database.error();
  }
  read_transaction transaction(**database);
  if (auto begun = transaction.begin(); begun.has_error()) {
    return begun.error();
  }
  const auto at = read_position(**database);
  if (at.has_error()) {
    return at.error();
  }
  if (at->generation != known.generation || known.change > at->change) {
    return std::optional<position>{};
  }
  if (known.change == at->change) {
    return std::optional(*at);
  }
  const auto oldest = (*database)->number("SELECT min(change) FROM change_log");
  if (oldest.has_error()) {
    return oldest.error();
  }
  const auto change = static_cast<std::int64_t>(known.change);
  if (*oldest > change + 1) {
    return std::optional<position>{};
  }
  if (auto done = put_changed_places(**database, change, into); done.has_error()) {
    return done.error();
  }
  if (auto done = put_changed_users(**database, change, into); done.has_error()) {
    return done.error();
  }
  return std::optional(*at);
}

result<std::vector<server>> sqlite_engine::servers() {
  const auto database = connect();
  if (database.has_error()) {
    return database.error();
  }
  return read_servers(**database);
}

result<std::vector<partition>> sqlite_engine::partitions() {
  const auto database = connect();
  if (database.has_error()) {
    return database.error();
  }
  return read_partitions(**database);
}

result<std::vector<partition_use>> sqlite_engine::usage() {
  const auto database = connect();
  if (database.has_error()) {
    return database.error();
  }
  auto rows = (*database)->prepare(
      "SELECT server, directory, (SELECT count(*) FROM users WHERE primary_partition = id),"
      " (SELECT count(*) FROM users WHERE secondary_partition = id) FROM partitions ORDER BY id");
  if (rows.has_error()) {
    return rows.error();
  }
  std::vector<partition_use> all;
  auto done = each_row(*rows, [&](const sqlite_statement& row) {
    all.push_back({.id = {std::string(row.text(0)), std::string(row.text(1))},
                   .primary = static_cast<std::uint64_t>(row.number(2)),
                   .secondary = static_cast<std::uint64_t>(row.number(3))});
    return true;
  });
  if (done.has_error()) {
    return done.error();
  }
  return all;
}

result<std::optional<user>> sqlite_engine::find_user(std::string_view mailbox) {
  const auto database = connect();
  if (database.has_error()) {
    return database.error();
  }
  return read_one_user(**database, mailbox);
}

result<std::optional<former_user>> sqlite_engine::find_former(std::string_view mailbox) {
  const auto database = connect();
  if (database.has_error()) {
    return database.error();
  }
  auto row = (*database)->prepare(
      "SELECT mailbox, home, epoch, removed_at FROM former_users WHERE mailbox = ?1");
  if (row.has_error()) {
    return row.error();
  }
  row->bind(1, mailbox);
  const auto found = row->step();
  if (found.has_error()) {
    return found.error();
  }
  if (!*found) {
    return std::optional<former_user>{};
  }
  return std::optional(former_user{.mailbox = std::string(row->text(0)),
                                   .home = std::string(row->text(1)),
                                   .epoch = static_cast<std::uint64_t>(row->number(2)),
                                   .removed_at = row->number(3)});
}

result<void> sqlite_engine::each_user(const user_filter& filter,
                                      const std::function<bool(const user&)>& visit) {
  const auto database = connect();
  if (database.has_error()) {
    return database.error();
  }
  auto rows =
      (*database)->prepare(fmt::format("SELECT {} FROM {} WHERE (?1 = '' OR u.mailbox GLOB ?1)"
                                       " AND (?2 = '' OR (p.server = ?2 AND p.directory = ?3) OR "
                                       "(s.server = ?2 AND s.directory = ?3))"
                                       " AND (?4 = '' OR u.state = ?4) ORDER BY u.mailbox LIMIT ?5",
                                       user_columns, user_tables));
  if (rows.has_error()) {
    return rows.error();
  }
  const std::string glob = glob_of(filter.pattern);
  rows->bind(1, glob)
      .bind(2, filter.on ? std::string_view(filter.on->server) : std::string_view{})
      .bind(3, filter.on ? std::string_view(filter.on->directory) : std::string_view{})
      .bind(4, filter.state ? name_of(*filter.state) : std::string_view{})
      .bind(5, filter.limit == 0 ? std::int64_t{-1} : static_cast<std::int64_t>(filter.limit));
  return each_row(*rows, [&](const sqlite_statement& row) { return visit(read_user(row)); });
}

result<std::unique_ptr<edit>> sqlite_engine::begin() {
  const auto database = connect();
  if (database.has_error()) {
    return database.error();
  }
  // FULL: a commit that returned survives a power cut, in WAL mode too. The cache of up to 128 MiB
  // keeps a large import from writing the same pages again and again.
  if (auto begun = (*database)->execute(
          "PRAGMA synchronous=FULL; PRAGMA cache_size=-131072; BEGIN IMMEDIATE");
      begun.has_error()) {
    return begun.error();
  }
  return std::unique_ptr<edit>(std::make_unique<sqlite_edit>(database_));
}

} // namespace homeward::directory
