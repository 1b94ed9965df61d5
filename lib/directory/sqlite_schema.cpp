#include "lib/directory/sqlite_schema.hpp"

#include <fmt/format.h>

#include "lib/base/random.hpp"

namespace homeward::directory {

namespace {

constexpr const char* tables = R"sql(
CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE servers (
  name TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE server_endpoints (
  server   TEXT    NOT NULL REFERENCES servers (name) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  endpoint TEXT    NOT NULL,
  PRIMARY KEY (server, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE partitions (
  id               INTEGER PRIMARY KEY AUTOINCREMENT,
  server           TEXT    NOT NULL REFERENCES servers (name) ON DELETE RESTRICT,
  directory        TEXT    NOT NULL,
  kind             TEXT    NOT NULL DEFAULT 'stored' CHECK (kind IN ('stored', 'path')),
  state            TEXT    NOT NULL DEFAULT 'active'
                           CHECK (state IN ('active', 'draining', 'full', 'offline')),
  weight           INTEGER NOT NULL DEFAULT 1 CHECK (weight BETWEEN 0 AND 1000),
  path             TEXT    NOT NULL DEFAULT '',
  placement_credit INTEGER NOT NULL DEFAULT 0,
  UNIQUE (server, directory),
  CHECK ((kind = 'path') = (path <> ''))
) STRICT;

CREATE TABLE users (
  mailbox             TEXT    PRIMARY KEY,
  primary_partition   INTEGER NOT NULL REFERENCES partitions (id) ON DELETE RESTRICT,
  secondary_partition INTEGER          REFERENCES partitions (id) ON DELETE RESTRICT,
  quota               INTEGER NOT NULL DEFAULT 0 CHECK (quota >= 0),
  state               TEXT    NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled')),
  epoch               INTEGER NOT NULL DEFAULT 1 CHECK (epoch > 0),
  CHECK (secondary_partition IS NULL OR secondary_partition <> primary_partition)
) STRICT, WITHOUT ROWID;
CREATE INDEX users_by_primary   ON users (primary_partition);
CREATE INDEX users_by_secondary ON users (secondary_partition) WHERE secondary_partition IS NOT NULL;

CREATE TABLE former_users (
  mailbox    TEXT    PRIMARY KEY,
  epoch      INTEGER NOT NULL,
  home       TEXT    NOT NULL,
  removed_at INTEGER NOT NULL DEFAULT (unixepoch())
) STRICT, WITHOUT ROWID;

CREATE TABLE change_log (
  change INTEGER PRIMARY KEY AUTOINCREMENT,
  at     INTEGER NOT NULL DEFAULT (unixepoch()),
  kind   TEXT    NOT NULL CHECK (kind IN ('server', 'partition', 'user')),
  name   TEXT    NOT NULL
) STRICT;

CREATE VIEW user_homes AS
  SELECT u.mailbox, p.server, p.directory, p.kind, p.path, p.state AS partition_state,
         s.server AS secondary_server, s.directory AS secondary_directory,
         u.quota, u.state, u.epoch
    FROM users u
    JOIN partitions p ON p.id = u.primary_partition
    LEFT JOIN partitions s ON s.id = u.secondary_partition;
)sql";

// Every change is logged by the database itself, also one that a person makes with another tool.
constexpr const char* triggers = R"sql(
CREATE TRIGGER servers_added AFTER INSERT ON servers BEGIN
  INSERT INTO change_log (kind, name) VALUES ('server', NEW.name);
END;
CREATE TRIGGER servers_removed AFTER DELETE ON servers BEGIN
  INSERT INTO change_log (kind, name) VALUES ('server', OLD.name);
END;
CREATE TRIGGER endpoints_added AFTER INSERT ON server_endpoints BEGIN
  INSERT INTO change_log (kind, name) VALUES ('server', NEW.server);
END;
CREATE TRIGGER endpoints_changed AFTER UPDATE ON server_endpoints BEGIN
  INSERT INTO change_log (kind, name) VALUES ('server', NEW.server);
END;
CREATE TRIGGER endpoints_removed AFTER DELETE ON server_endpoints BEGIN
  INSERT INTO change_log (kind, name) VALUES ('server', OLD.server);
END;

CREATE TRIGGER partitions_added AFTER INSERT ON partitions BEGIN
  INSERT INTO change_log (kind, name) VALUES ('partition', NEW.server || '/' || NEW.directory);
END;
CREATE TRIGGER partitions_changed AFTER UPDATE OF kind, state, weight, path ON partitions BEGIN
  INSERT INTO change_log (kind, name) VALUES ('partition', NEW.server || '/' || NEW.directory);
END;
CREATE TRIGGER partitions_renamed BEFORE UPDATE OF id, server, directory ON partitions
WHEN NEW.id <> OLD.id OR NEW.server <> OLD.server OR NEW.directory <> OLD.directory BEGIN
  SELECT RAISE(ABORT, 'a partition cannot be renamed: its mail lies under its name');
END;
CREATE TRIGGER partitions_removed AFTER DELETE ON partitions BEGIN
  INSERT INTO change_log (kind, name) VALUES ('partition', OLD.server || '/' || OLD.directory);
END;

CREATE TRIGGER users_added AFTER INSERT ON users BEGIN
  UPDATE users SET epoch = max(NEW.epoch, (SELECT epoch + 1 FROM former_users
                                            WHERE mailbox = NEW.mailbox))
   WHERE mailbox = NEW.mailbox
     AND EXISTS (SELECT 1 FROM former_users WHERE mailbox = NEW.mailbox);
  DELETE FROM former_users WHERE mailbox = NEW.mailbox;
  INSERT INTO change_log (kind, name) VALUES ('user', NEW.mailbox);
END;
CREATE TRIGGER users_changed AFTER UPDATE ON users BEGIN
  INSERT INTO change_log (kind, name) VALUES ('user', NEW.mailbox);
END;
CREATE TRIGGER users_moved AFTER UPDATE OF primary_partition, secondary_partition ON users
WHEN NEW.epoch <= OLD.epoch AND (NEW.primary_partition <> OLD.primary_partition OR
                                 NEW.secondary_partition IS NOT OLD.secondary_partition) BEGIN
  UPDATE users SET epoch = OLD.epoch + 1 WHERE mailbox = NEW.mailbox;
END;
CREATE TRIGGER users_epoch BEFORE UPDATE OF epoch ON users WHEN NEW.epoch < OLD.epoch BEGIN
  SELECT RAISE(ABORT, 'the epoch of a user never sinks: stores would refuse its mail');
END;
CREATE TRIGGER users_renamed BEFORE UPDATE OF mailbox ON users WHEN NEW.mailbox <> OLD.mailbox BEGIN
  SELECT RAISE(ABORT, 'a mailbox cannot be renamed: its mail lies under its name');
END;
CREATE TRIGGER users_removed AFTER DELETE ON users BEGIN
  INSERT OR REPLACE INTO former_users (mailbox, epoch, home)
    SELECT OLD.mailbox, OLD.epoch, server || '/' || directory
      FROM partitions WHERE id = OLD.primary_partition;
  INSERT INTO change_log (kind, name) VALUES ('user', OLD.mailbox);
END;
)sql";

failure not_usable(const sqlite_database& database, std::string cause, std::string advice) {
  return transient_failure("the user directory is not available",
                           database.file() + ": " + std::move(cause), std::move(advice));
}

} // namespace

result<void> create_schema(sqlite_database& database, journal mode) {
  if (auto done = database.text(mode == journal::wal ? "PRAGMA journal_mode=WAL"
                                                     : "PRAGMA journal_mode=DELETE");
      done.has_error()) {
    return done.error();
  }
  if (auto done = database.execute("BEGIN IMMEDIATE"); done.has_error()) {
    return done.error();
  }
  for (const std::string& sql :
       {std::string(tables), std::string(triggers),
        fmt::format("PRAGMA application_id={}; PRAGMA user_version={};"
                    "INSERT INTO meta VALUES ('generation', '{}'), ('created', unixepoch());",
                    application_id, schema_version, random_hex(16)),
        std::string("COMMIT")}) {
    if (auto done = database.execute(sql); done.has_error()) {
      (void)database.execute("ROLLBACK");
      return done.error();
    }
  }
  return {};
}

result<void> check_schema(sqlite_database& database) {
  const auto id = database.number("PRAGMA application_id");
  if (id.has_error()) {
    return id.error();
  }
  const auto version = database.number("PRAGMA user_version");
  if (version.has_error()) {
    return version.error();
  }
  if (*id == 0 && *version == 0) {
    const auto content = database.number("SELECT count(*) FROM sqlite_master");
    if (content.has_error()) {
      return content.error();
    }
    if (*content == 0) {
      return not_usable(database, "the file is empty",
                        "Make a directory with `homewardctl directory init`, or restore a backup.");
    }
  }
  if (*id != application_id) {
    return not_usable(database, "this SQLite file is not a Homeward directory",
                      "Name another file in `directory.file`; nothing was changed in this one.");
  }
  if (*version > schema_version) {
    return not_usable(database,
                      fmt::format("the directory has schema version {}, this program knows only up "
                                  "to {}",
                                  *version, schema_version),
                      "Upgrade Homeward on this host; it goes on with its replica until then.");
  }
  if (*version < schema_version) {
    return not_usable(database, fmt::format("schema version {} is not known", *version),
                      "Restore the directory from a backup.");
  }
  return {};
}

result<void> renew_generation(sqlite_database& database) {
  return database.execute(
      fmt::format("UPDATE meta SET value = '{}' WHERE key = 'generation'", random_hex(16)));
}

} // namespace homeward::directory
