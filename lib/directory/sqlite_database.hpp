#pragma once
// Thin owners for SQLite's handles, private to lib/directory. Every error becomes a failure that
// says what an operator can do about it.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sqlite3.h>

#include "lib/base/failure.hpp"

namespace homeward::directory {

class sqlite_database;

// One prepared statement. Bind, step, read, reset. Views from text() hold until the next step.
class sqlite_statement {
 public:
  sqlite_statement() = default;

  sqlite_statement& bind(int index, std::string_view text);
  sqlite_statement& bind(int index, std::int64_t number);
  sqlite_statement& bind_null(int index);

  // True when there is a row.
  [[nodiscard]] result<bool> step();
  // Runs a statement that gives no rows, and resets it.
  [[nodiscard]] result<void> run();
  void reset();

  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] std::int64_t number(int column) const;
  [[nodiscard]] bool is_null(int column) const;

 private:
  friend class sqlite_database;
  struct finalizer {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  sqlite_statement(sqlite_database& owner, sqlite3_stmt* statement)
      : owner_(&owner), statement_(statement) {}

  sqlite_database* owner_ = nullptr;
  std::unique_ptr<sqlite3_stmt, finalizer> statement_;
};

// One connection. One thread at a time. Statements must be gone before it.
class sqlite_database {
 public:
  enum class mode : unsigned char { read_write, create };

  // Opens; does not look at the content yet.
  [[nodiscard]] static result<std::unique_ptr<sqlite_database>> open(const std::string& file,
                                                                     mode m, int busy_milliseconds);

  [[nodiscard]] result<sqlite_statement> prepare(std::string_view sql);
  // One or several statements without results.
  [[nodiscard]] result<void> execute(const std::string& sql);
  // The first column of the first row, as a number.
  [[nodiscard]] result<std::int64_t> number(std::string_view sql);
  // The same as text; nothing when there is no row.
  [[nodiscard]] result<std::optional<std::string>> text(std::string_view sql);

  // How many rows the last statement changed.
  [[nodiscard]] std::int64_t changed_rows() const { return sqlite3_changes(handle_.get()); }

  // The last error, in words. `doing` is the cause's first word for the log.
  [[nodiscard]] failure trouble(int code, std::string_view doing) const;
  // Did the last error come from a constraint of the schema (duplicate, unknown reference)?
  [[nodiscard]] int extended_error() const { return sqlite3_extended_errcode(handle_.get()); }

  [[nodiscard]] sqlite3* native() { return handle_.get(); }
  [[nodiscard]] const std::string& file() const { return file_; }

 private:
  struct closer {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  sqlite_database(std::string file, sqlite3* handle) : file_(std::move(file)), handle_(handle) {}

  std::string file_;
  std::unique_ptr<sqlite3, closer> handle_;
};

// "the user directory is not available" with the cause and the advice for an SQLite result code.
[[nodiscard]] failure sqlite_failure(int code, std::string_view file, std::string_view message,
                                     std::string_view doing);

// The first failure among several results, if any.
template <class... Results>
[[nodiscard]] std::optional<failure> first_failure(const Results&... results) {
  std::optional<failure> first;
  ((!first && results.has_error() ? static_cast<void>(first = results.error()) : void()), ...);
  return first;
}

} // namespace homeward::directory
