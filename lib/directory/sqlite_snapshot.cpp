#include "lib/directory/sqlite_snapshot.hpp"

#include <cerrno>
#include <map>
#include <sys/stat.h>

#include <fmt/format.h>

#include "lib/directory/file_swap.hpp"
#include "lib/directory/sqlite_database.hpp"
#include "lib/directory/sqlite_schema.hpp"

namespace homeward::directory {

namespace {

// Inserts records as they come. The first failure ends it; the rest is dropped.
class table_writer final : public receiver {
 public:
  [[nodiscard]] static result<std::unique_ptr<table_writer>> on(sqlite_database& database) {
    auto server = database.prepare("INSERT INTO servers (name) VALUES (?1)");
    auto endpoint = database.prepare(
        "INSERT INTO server_endpoints (server, position, endpoint) VALUES (?1, ?2, ?3)");
    auto partition =
        database.prepare("INSERT INTO partitions (id, server, directory, kind, state, weight, path)"
                         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    auto user = database.prepare("INSERT INTO users (mailbox, primary_partition,"
                                 " secondary_partition, quota, state, epoch)"
                                 " VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    if (const auto f = first_failure(server, endpoint, partition, user)) {
      return *f;
    }
    auto writer = std::make_unique<table_writer>();
    writer->server_ = std::move(*server);
    writer->endpoint_ = std::move(*endpoint);
    writer->partition_ = std::move(*partition);
    writer->user_ = std::move(*user);
    return writer;
  }

  void put(const server& s) override {
    run(server_.bind(1, s.name));
    std::int64_t position = 0;
    for (const auto& e : s.endpoints) {
      run(endpoint_.bind(1, s.name).bind(2, ++position).bind(3, e));
    }
  }
  void put(const partition& p) override {
    const auto row = static_cast<std::int64_t>(rows_.size()) + 1;
    rows_.emplace(p.id, row);
    partition_.bind(1, row).bind(2, p.id.server).bind(3, p.id.directory).bind(4, name_of(p.kind));
    run(partition_.bind(5, name_of(p.state)).bind(6, std::int64_t{p.weight}).bind(7, p.path));
  }
  void put(const user& u) override {
    user_.bind(1, u.mailbox).bind(2, rows_[u.where.primary]).bind_null(3);
    if (u.where.secondary) {
      user_.bind(3, rows_[*u.where.secondary]);
    }
    user_.bind(4, static_cast<std::int64_t>(u.where.quota.octets));
    run(user_.bind(5, name_of(u.where.state)).bind(6, static_cast<std::int64_t>(u.where.epoch)));
  }

  [[nodiscard]] const std::optional<failure>& trouble() const { return trouble_; }

 private:
  void run(sqlite_statement& statement) {
    if (trouble_) {
      return;
    }
    if (auto done = statement.run(); done.has_error()) {
      trouble_ = done.error();
    }
  }

  sqlite_statement server_;
  sqlite_statement endpoint_;
  sqlite_statement partition_;
  sqlite_statement user_;
  std::map<partition_id, std::int64_t> rows_;
  std::optional<failure> trouble_;
};

// Fills the new file. The log of changes is emptied: its readers come back to the directory itself.
result<position> fill(sqlite_database& database, engine& source) {
  if (auto made = create_schema(database, journal::none); made.has_error()) {
    return made.error();
  }
  if (auto begun = database.execute("PRAGMA synchronous=OFF; BEGIN"); begun.has_error()) {
    return begun.error();
  }
  auto writer = table_writer::on(database);
  if (writer.has_error()) {
    return writer.error();
  }
  auto at = source.load(**writer);
  if (at.has_error()) {
    return at.error();
  }
  if ((*writer)->trouble()) {
    return *(*writer)->trouble();
  }
  writer->reset();
  auto generation = database.prepare("UPDATE meta SET value = ?1 WHERE key = 'generation'");
  if (generation.has_error()) {
    return generation.error();
  }
  if (auto done = generation->bind(1, at->generation).run(); done.has_error()) {
    return done.error();
  }
  if (auto done = database.execute(
          fmt::format("DELETE FROM change_log;"
                      "UPDATE sqlite_sequence SET seq = {} WHERE name = 'change_log'; COMMIT",
                      at->change));
      done.has_error()) {
    return done.error();
  }
  return at;
}

} // namespace

result<position> publish_snapshot(fs::file_system& disk, engine& source, const std::string& target,
                                  unsigned mode) {
  auto swap = file_swap::begin(disk, target);
  if (swap.has_error()) {
    return swap.error();
  }
  auto database = sqlite_database::open(swap->path(), sqlite_database::mode::read_write, 1000);
  if (database.has_error()) {
    return database.error();
  }
  auto at = fill(**database, source);
  database->reset();
  if (at.has_error()) {
    return at.error();
  }
  if (::chmod(swap->path().c_str(), mode) != 0) {
    return failure_from_errno(errno, "chmod " + swap->path());
  }
  if (auto done = swap->commit(); done.has_error()) {
    return done.error();
  }
  return at;
}

} // namespace homeward::directory
