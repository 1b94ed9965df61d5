#pragma once
// Reading the rows of the schema, private to lib/directory.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/failure.hpp"
#include "lib/directory/engine.hpp"
#include "lib/directory/sqlite_database.hpp"
#include "lib/directory/types.hpp"

namespace homeward::directory {

// The columns of a user, in the order that read_user() expects; to be followed by FROM and
// user_tables.
inline constexpr std::string_view user_columns =
    " u.mailbox, p.server, p.directory, s.server, s.directory, u.quota, u.state, u.epoch ";
inline constexpr std::string_view user_tables =
    " users u JOIN partitions p ON p.id = u.primary_partition"
    " LEFT JOIN partitions s ON s.id = u.secondary_partition ";

[[nodiscard]] user read_user(const sqlite_statement& row);

// All servers by name, and all partitions in the order of their creation.
[[nodiscard]] result<std::vector<server>> read_servers(sqlite_database& database);
[[nodiscard]] result<std::vector<partition>> read_partitions(sqlite_database& database);

[[nodiscard]] result<std::optional<user>> read_one_user(sqlite_database& database,
                                                        std::string_view mailbox);

// The generation and the newest change.
[[nodiscard]] result<position> read_position(sqlite_database& database);

// Calls `visit` for every row of a prepared statement, until it returns false.
[[nodiscard]] result<void> each_row(sqlite_statement& statement,
                                    const std::function<bool(const sqlite_statement&)>& visit);

} // namespace homeward::directory
