#include "lib/directory/sqlite_edit.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "lib/base/escape.hpp"
#include "lib/directory/sqlite_rows.hpp"
#include "lib/directory/sqlite_schema.hpp"

namespace homeward::directory {

namespace {

failure refused(std::string what, std::string advice = {}) {
  failure f = permanent_failure(failure_reason::perm, std::move(what));
  f.advice = std::move(advice);
  return f;
}

failure no_server(std::string_view name) {
  return refused(fmt::format("there is no server {}", escape(name, 80)),
                 "See `homewardctl server list`; make it with `homewardctl server add`.");
}

failure no_partition(const partition_id& id) {
  return refused(fmt::format("there is no partition {}", escape(to_string(id), 140)),
                 "See `homewardctl partition list`; make it with `homewardctl partition add`.");
}

} // namespace

sqlite_edit::~sqlite_edit() {
  statements_.clear();
  if (!ended_) {
    (void)database_.execute("ROLLBACK");
  }
}

result<sqlite_statement*> sqlite_edit::cached(std::string_view sql) {
  auto known = statements_.find(sql);
  if (known == statements_.end()) {
    auto prepared = database_.prepare(sql);
    if (prepared.has_error()) {
      return prepared.error();
    }
    known = statements_.emplace(sql, std::move(*prepared)).first;
  }
  return &known->second;
}

result<std::int64_t> sqlite_edit::count(std::string_view sql, std::string_view argument) {
  const auto statement = cached(sql);
  if (statement.has_error()) {
    return statement.error();
  }
  (*statement)->bind(1, argument);
  const auto row = (*statement)->step();
  const std::int64_t number = row.has_value() && *row ? (*statement)->number(0) : 0;
  (*statement)->reset();
  if (row.has_error()) {
    return row.error();
  }
  return number;
}

// ---- servers ----

result<void> sqlite_edit::put_endpoints(const server& s) {
  const auto remove = cached("DELETE FROM server_endpoints WHERE server = ?1");
  const auto insert = cached("INSERT INTO server_endpoints (server, position, endpoint)"
                             " VALUES (?1, ?2, ?3)");
  if (const auto f = first_failure(remove, insert)) {
    return *f;
  }
  if (auto done = (*remove)->bind(1, s.name).run(); done.has_error()) {
    return done.error();
  }
  std::int64_t position = 0;
  for (const auto& e : s.endpoints) {
    if (auto done = (*insert)->bind(1, s.name).bind(2, ++position).bind(3, e).run();
        done.has_error()) {
      return done.error();
    }
  }
  return {};
}

result<void> sqlite_edit::add(const server& s) {
  if (const std::string wrong = complaint(s); !wrong.empty()) {
    return refused(wrong);
  }
  const auto known = count("SELECT count(*) FROM servers WHERE name = ?1", s.name);
  if (known.has_error()) {
    return known.error();
  }
  if (*known != 0) {
    return refused("there is a server " + s.name + " already",
                   "Change it with `homewardctl server set`.");
  }
  const auto insert = cached("INSERT INTO servers (name) VALUES (?1)");
  if (insert.has_error()) {
    return insert.error();
  }
  if (auto done = (*insert)->bind(1, s.name).run(); done.has_error()) {
    return done.error();
  }
  return put_endpoints(s);
}

result<void> sqlite_edit::set(const server& s) {
  if (const std::string wrong = complaint(s); !wrong.empty()) {
    return refused(wrong);
  }
  const auto known = count("SELECT count(*) FROM servers WHERE name = ?1", s.name);
  if (known.has_error()) {
    return known.error();
  }
  if (*known == 0) {
    return no_server(s.name);
  }
  return put_endpoints(s);
}

result<void> sqlite_edit::remove_server(std::string_view name) {
  const auto used = count("SELECT count(*) FROM partitions WHERE server = ?1", name);
  if (used.has_error()) {
    return used.error();
  }
  if (*used != 0) {
    return refused(fmt::format("server {} still has {} partition{}", escape(name, 80), *used,
                               *used == 1 ? "" : "s"),
                   "Remove its partitions first; see `homewardctl partition list`.");
  }
  const auto remove = cached("DELETE FROM servers WHERE name = ?1");
  if (remove.has_error()) {
    return remove.error();
  }
  if (auto done = (*remove)->bind(1, name).run(); done.has_error()) {
    return done.error();
  }
  if (database_.changed_rows() == 0) {
    return no_server(name);
  }
  return {};
}

// ---- partitions ----

result<std::int64_t> sqlite_edit::row_of(const partition_id& id) {
  if (const auto known = rows_.find(id); known != rows_.end()) {
    return known->second;
  }
  const auto statement = cached("SELECT id FROM partitions WHERE server = ?1 AND directory = ?2");
  if (statement.has_error()) {
    return statement.error();
  }
  (*statement)->bind(1, id.server).bind(2, id.directory);
  const auto row = (*statement)->step();
  const std::int64_t number = row.has_value() && *row ? (*statement)->number(0) : 0;
  (*statement)->reset();
  if (row.has_error()) {
    return row.error();
  }
  if (!*row) {
    return no_partition(id);
  }
  rows_.emplace(id, number);
  return number;
}

result<void> sqlite_edit::add(const partition& p) {
  if (const std::string wrong = complaint(p); !wrong.empty()) {
    return refused(wrong);
  }
  if (row_of(p.id).has_value()) {
    return refused("there is a partition " + to_string(p.id) + " already",
                   "Change it with `homewardctl partition set`.");
  }
  const auto server = count("SELECT count(*) FROM servers WHERE name = ?1", p.id.server);
  const auto insert = cached("INSERT INTO partitions (server, directory, kind, state, weight, path)"
                             " VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  if (const auto f = first_failure(server, insert)) {
    return *f;
  }
  if (*server == 0) {
    return no_server(p.id.server);
  }
  if (auto stored = store_placement(); stored.has_error()) {
    return stored.error();
  }
  (*insert)->bind(1, p.id.server).bind(2, p.id.directory).bind(3, name_of(p.kind));
  (*insert)->bind(4, name_of(p.state)).bind(5, std::int64_t{p.weight}).bind(6, p.path);
  return (*insert)->run();
}

result<void> sqlite_edit::set(const partition& p) {
  if (const std::string wrong = complaint(p); !wrong.empty()) {
    return refused(wrong);
  }
  const auto row = row_of(p.id);
  const auto update = cached("UPDATE partitions SET kind = ?2, state = ?3, weight = ?4, path = ?5"
                             " WHERE id = ?1");
  if (const auto f = first_failure(row, update)) {
    return *f;
  }
  if (auto stored = store_placement(); stored.has_error()) {
    return stored.error();
  }
  (*update)->bind(1, *row).bind(2, name_of(p.kind)).bind(3, name_of(p.state));
  (*update)->bind(4, std::int64_t{p.weight}).bind(5, p.path);
  return (*update)->run();
}

result<void> sqlite_edit::remove_partition(const partition_id& id) {
  const auto row = row_of(id);
  if (row.has_error()) {
    return row.error();
  }
  const auto used = database_.number(fmt::format(
      "SELECT count(*) FROM users WHERE primary_partition = {0} OR secondary_partition = {0}",
      *row));
  const auto remove = cached("DELETE FROM partitions WHERE id = ?1");
  if (const auto f = first_failure(used, remove)) {
    return *f;
  }
  if (*used != 0) {
    return refused(fmt::format("{} user{} still live{} on partition {}", *used,
                               *used == 1 ? "" : "s", *used == 1 ? "s" : "", to_string(id)),
                   "Set it to draining so that it gets no new ones; see `homewardctl user list "
                   "--on " +
                       to_string(id) + "`.");
  }
  if (auto stored = store_placement(); stored.has_error()) {
    return stored.error();
  }
  rows_.erase(id);
  return (*remove)->bind(1, *row).run();
}

// ---- users ----

result<void> sqlite_edit::bind_home(sqlite_statement& statement, const home& where) {
  const auto primary = row_of(where.primary);
  if (primary.has_error()) {
    return primary.error();
  }
  statement.bind(2, *primary);
  statement.bind_null(3);
  if (where.secondary) {
    const auto secondary = row_of(*where.secondary);
    if (secondary.has_error()) {
      return secondary.error();
    }
    statement.bind(3, *secondary);
  }
  statement.bind(4, static_cast<std::int64_t>(where.quota.octets)).bind(5, name_of(where.state));
  return {};
}

result<user> sqlite_edit::known_user(std::string_view mailbox) {
  const auto found = read_one_user(database_, mailbox);
  if (found.has_error()) {
    return found.error();
  }
  if (!*found) {
    return refused(fmt::format("there is no user {}", escape(mailbox, 256)),
                   "See `homewardctl user list`; make one with `homewardctl user add`.");
  }
  return **found;
}

result<user> sqlite_edit::add(const user& u) {
  if (const std::string wrong = complaint(u); !wrong.empty()) {
    return refused(wrong);
  }
  const auto known = count("SELECT count(*) FROM users WHERE mailbox = ?1", u.mailbox);
  const auto former =
      count("SELECT coalesce((SELECT epoch FROM former_users WHERE mailbox = ?1), 0)", u.mailbox);
  const auto insert = cached("INSERT INTO users (mailbox, primary_partition, secondary_partition,"
                             " quota, state, epoch) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  if (const auto f = first_failure(known, former, insert)) {
    return *f;
  }
  if (*known != 0) {
    return refused("there is a user " + escape(u.mailbox, 256) + " already",
                   "Change it with `homewardctl user set`.");
  }
  if (auto bound = bind_home(**insert, u.where); bound.has_error()) {
    return bound.error();
  }
  user added = u;
  added.where.epoch = std::max(u.where.epoch, static_cast<std::uint64_t>(*former) + 1);
  (*insert)->bind(1, u.mailbox).bind(6, static_cast<std::int64_t>(added.where.epoch));
  if (auto done = (*insert)->run(); done.has_error()) {
    return done.error();
  }
  return added;
}

result<user> sqlite_edit::set(const user& u) {
  if (const std::string wrong = complaint(u); !wrong.empty()) {
    return refused(wrong);
  }
  const auto old = known_user(u.mailbox);
  const auto update = cached("UPDATE users SET primary_partition = ?2, secondary_partition = ?3,"
                             " quota = ?4, state = ?5 WHERE mailbox = ?1");
  if (const auto f = first_failure(old, update)) {
    return *f;
  }
  if (auto bound = bind_home(**update, u.where); bound.has_error()) {
    return bound.error();
  }
  if (auto done = (*update)->bind(1, u.mailbox).run(); done.has_error()) {
    return done.error();
  }
  return known_user(u.mailbox);
}

result<user> sqlite_edit::remove_user(std::string_view mailbox) {
  auto old = known_user(mailbox);
  const auto remove = cached("DELETE FROM users WHERE mailbox = ?1");
  if (const auto f = first_failure(old, remove)) {
    return *f;
  }
  if (auto done = (*remove)->bind(1, mailbox).run(); done.has_error()) {
    return done.error();
  }
  return old;
}

// ---- placement and commit ----

result<void> sqlite_edit::load_placement() {
  auto rows = database_.prepare("SELECT server, directory, weight, placement_credit FROM partitions"
                                " WHERE state = 'active' AND weight > 0 ORDER BY id");
  if (rows.has_error()) {
    return rows.error();
  }
  std::vector<candidate> candidates;
  auto done = each_row(*rows, [&](const sqlite_statement& row) {
    candidates.push_back({.id = {std::string(row.text(0)), std::string(row.text(1))},
                          .weight = static_cast<std::uint32_t>(row.number(2)),
                          .credit = row.number(3)});
    return true;
  });
  if (done.has_error()) {
    return done.error();
  }
  placement_.emplace(std::move(candidates));
  return {};
}

result<void> sqlite_edit::store_placement() {
  if (!placement_) {
    return {};
  }
  const auto update = cached("UPDATE partitions SET placement_credit = ?2 WHERE id = ?1");
  if (update.has_error()) {
    return update.error();
  }
  for (const auto& c : placement_->state()) {
    const auto row = row_of(c.id);
    if (row.has_error()) {
      return row.error();
    }
    if (auto done = (*update)->bind(1, *row).bind(2, c.credit).run(); done.has_error()) {
      return done.error();
    }
  }
  placement_.reset();
  return {};
}

result<partition_id> sqlite_edit::place_next() {
  if (!placement_) {
    if (auto loaded = load_placement(); loaded.has_error()) {
      return loaded.error();
    }
  }
  if (const auto next = placement_->next()) {
    return *next;
  }
  return refused("there is no partition that takes new users",
                 "Add one with `homewardctl partition add`, or set one to active with a weight "
                 "above 0; see `homewardctl partition list`.");
}

result<position> sqlite_edit::commit() {
  if (auto stored = store_placement(); stored.has_error()) {
    return stored.error();
  }
  auto at = read_position(database_);
  if (at.has_error()) {
    return at.error();
  }
  if (at->change > static_cast<std::uint64_t>(kept_changes)) {
    if (auto cut =
            database_.execute(fmt::format("DELETE FROM change_log WHERE change <= {}",
                                          at->change - static_cast<std::uint64_t>(kept_changes)));
        cut.has_error()) {
      return cut.error();
    }
  }
  statements_.clear();
  if (auto done = database_.execute("COMMIT"); done.has_error()) {
    return done.error();
  }
  ended_ = true;
  return at;
}

} // namespace homeward::directory
