#pragma once
// The schema of the SQLite engine, version 1. docs/format/directory.md is the specification that
// other programs read; change both or none, and raise schema_version with every change.

#include <cstdint>
#include <string>

#include "lib/base/failure.hpp"
#include "lib/directory/sqlite_database.hpp"

namespace homeward::directory {

inline constexpr std::int64_t schema_version = 1;          // PRAGMA user_version
inline constexpr std::int64_t application_id = 0x484D5744; // PRAGMA application_id, "HMWD"

// How many changes the change_log keeps; a replica that is further behind reads everything again.
inline constexpr std::int64_t kept_changes = 500'000;

// Makes the tables in an empty database, in WAL mode or, for files that foreign programs read,
// without.
enum class journal : unsigned char { wal, none };
[[nodiscard]] result<void> create_schema(sqlite_database& database, journal mode);

// A failure unless the database is a directory of a version that this program understands.
[[nodiscard]] result<void> check_schema(sqlite_database& database);

// Gives the directory a new random generation: change numbers known elsewhere mean nothing any
// more.
[[nodiscard]] result<void> renew_generation(sqlite_database& database);

} // namespace homeward::directory
