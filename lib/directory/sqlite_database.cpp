#include "lib/directory/sqlite_database.hpp"

#include <fmt/format.h>

namespace homeward::directory {

namespace {

std::string advice_for(int code, std::string_view file) {
  switch (code & 0xFF) {
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return "Another program holds a lock on it: look for a homewardctl or sqlite3 that still runs.";
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
    return fmt::format("The file is damaged or is no directory. Run `homewardctl directory check`; "
                       "restore it with `homewardctl directory restore BACKUP`. Daemons go on "
                       "with their replica meanwhile ({}).",
                       file);
  case SQLITE_CANTOPEN:
    return fmt::format("Check that {} exists and that this user may read and write it and its "
                       "folder; make a new one with `homewardctl directory init`.",
                       file);
  case SQLITE_READONLY:
  case SQLITE_PERM:
  case SQLITE_AUTH:
    return fmt::format("Let this user write {} and its folder, or run the command as the user who "
                       "owns it.",
                       file);
  case SQLITE_FULL: return "The volume is full: free space, then repeat.";
  case SQLITE_IOERR: return "The disk or the mount of the directory has a fault: look at dmesg.";
  default: return {};
  }
}

} // namespace

failure sqlite_failure(int code, std::string_view file, std::string_view message,
                       std::string_view doing) {
  return transient_failure("the user directory is not available",
                           fmt::format("{}: {}: {}", file, doing, message), advice_for(code, file));
}

// ---- statements ----

sqlite_statement& sqlite_statement::bind(int index, std::string_view text) {
  sqlite3_bind_text64(statement_.get(), index, text.data() == nullptr ? "" : text.data(),
                      text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

sqlite_statement& sqlite_statement::bind(int index, std::int64_t number) {
  sqlite3_bind_int64(statement_.get(), index, number);
  return *this;
}

sqlite_statement& sqlite_statement::bind_null(int index) {
  sqlite3_bind_null(statement_.get(), index);
  return *this;
}

result<bool> sqlite_statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) {
    return true;
  }
  if (code == SQLITE_DONE) {
    return false;
  }
  return owner_->trouble(code, "step");
}

result<void> sqlite_statement::run() {
  const auto stepped = step();
  reset();
  if (stepped.has_error()) {
    return stepped.error();
  }
  return {};
}

void sqlite_statement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

std::string_view sqlite_statement::text(int column) const {
  // The value must be asked for before its length: the first call may convert it.
  const void* value = sqlite3_column_blob(statement_.get(), column);
  const int length = sqlite3_column_bytes(statement_.get(), column);
  return value == nullptr
             ? std::string_view{}
             : std::string_view(static_cast<const char*>(value), static_cast<std::size_t>(length));
}

std::int64_t sqlite_statement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

bool sqlite_statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

// ---- connections ----

result<std::unique_ptr<sqlite_database>> sqlite_database::open(const std::string& file, mode m,
                                                               int busy_milliseconds) {
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (m == mode::create ? SQLITE_OPEN_CREATE : 0);
  const int code = sqlite3_open_v2(file.c_str(), &handle, flags, nullptr);
  std::unique_ptr<sqlite_database> opened(new sqlite_database(file, handle));
  if (code != SQLITE_OK) {
    return sqlite_failure(code, file, handle == nullptr ? "out of memory" : sqlite3_errmsg(handle),
                          "open");
  }
  sqlite3_busy_timeout(handle, busy_milliseconds);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_FKEY, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  return opened;
}

result<sqlite_statement> sqlite_database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                      &statement, nullptr);
  if (code != SQLITE_OK) {
    return trouble(code, "prepare");
  }
  return sqlite_statement(*this, statement);
}

result<void> sqlite_database::execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) {
    return trouble(code, "execute");
  }
  return {};
}

result<std::int64_t> sqlite_database::number(std::string_view sql) {
  auto statement = prepare(sql);
  if (statement.has_error()) {
    return statement.error();
  }
  const auto row = statement->step();
  if (row.has_error()) {
    return row.error();
  }
  return *row ? statement->number(0) : 0;
}

result<std::optional<std::string>> sqlite_database::text(std::string_view sql) {
  auto statement = prepare(sql);
  if (statement.has_error()) {
    return statement.error();
  }
  const auto row = statement->step();
  if (row.has_error()) {
    return row.error();
  }
  return *row ? std::optional(std::string(statement->text(0))) : std::nullopt;
}

failure sqlite_database::trouble(int code, std::string_view doing) const {
  return sqlite_failure(code, file_, sqlite3_errmsg(handle_.get()), doing);
}

} // namespace homeward::directory
