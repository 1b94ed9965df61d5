#include "lib/directory/sqlite_rows.hpp"

#include <fmt/format.h>

namespace homeward::directory {

user read_user(const sqlite_statement& row) {
  user u;
  u.mailbox = row.text(0);
  u.where.primary = {std::string(row.text(1)), std::string(row.text(2))};
  if (!row.is_null(3)) {
    u.where.secondary = partition_id{std::string(row.text(3)), std::string(row.text(4))};
  }
  u.where.quota = byte_count{static_cast<std::uint64_t>(row.number(5))};
  u.where.state = parse_user_state(row.text(6)).value_or(user_state::active);
  u.where.epoch = static_cast<std::uint64_t>(row.number(7));
  return u;
}

result<void> each_row(sqlite_statement& statement,
                      const std::function<bool(const sqlite_statement&)>& visit) {
  while (true) {
    const auto row = statement.step();
    if (row.has_error()) {
      return row.error();
    }
    if (!*row || !visit(statement)) {
      statement.reset();
      return {};
    }
  }
}

result<std::vector<server>> read_servers(sqlite_database& database) {
  auto statement = database.prepare("SELECT s.name, e.endpoint FROM servers s"
                                    " LEFT JOIN server_endpoints e ON e.server = s.name"
                                    " ORDER BY s.name, e.position");
  if (statement.has_error()) {
    return statement.error();
  }
  std::vector<server> all;
  auto done = each_row(*statement, [&](const sqlite_statement& row) {
    if (all.empty() || all.back().name != row.text(0)) {
      all.push_back({.name = std::string(row.text(0))});
    }
    if (!row.is_null(1)) {
      all.back().endpoints.emplace_back(row.text(1));
    }
    return true;
  });
  if (done.has_error()) {
    return done.error();
  }
  return all;
}

result<std::vector<partition>> read_partitions(sqlite_database& database) {
  auto statement = database.prepare(
      "SELECT server, directory, kind, state, weight, path FROM partitions ORDER BY id");
  if (statement.has_error()) {
    return statement.error();
  }
  std::vector<partition> all;
  auto done = each_row(*statement, [&](const sqlite_statement& row) {
    all.push_back({.id = {std::string(row.text(0)), std::string(row.text(1))},
                   .kind = parse_partition_kind(row.text(2)).value_or(partition_kind::stored),
                   .state = parse_partition_state(row.text(3)).value_or(partition_state::offline),
                   .weight = static_cast<std::uint32_t>(row.number(4)),
                   .path = std::string(row.text(5))});
    return true;
  });
  if (done.has_error()) {
    return done.error();
  }
  return all;
}

result<std::optional<user>> read_one_user(sqlite_database& database, std::string_view mailbox) {
  auto row = database.prepare(
      fmt::format("SELECT {} FROM {} WHERE u.mailbox = ?1", user_columns, user_tables));
  if (row.has_error()) {
    return row.error();
  }
  row->bind(1, mailbox);
  const auto found = row->step();
  if (found.has_error()) {
    return found.error();
  }
  return *found ? std::optional(read_user(*row)) : std::nullopt;
}

result<position> read_position(sqlite_database& database) {
  const auto generation = database.text("SELECT value FROM meta WHERE key = 'generation'");
  if (generation.has_error()) {
    return generation.error();
  }
  // Not max(change): the log is cut at its old end, and in an emptied one the number must not start
  // anew.
  const auto change = database.number("SELECT seq FROM sqlite_sequence WHERE name = 'change_log'");
  if (change.has_error()) {
    return change.error();
  }
  return position{generation->value_or(""), static_cast<std::uint64_t>(*change)};
}

} // namespace homeward::directory
