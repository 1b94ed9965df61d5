#pragma once
// One write transaction on the SQLite engine, private to lib/directory. Begun by
// sqlite_engine::begin().

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/directory/engine.hpp"
#include "lib/directory/placement.hpp"
#include "lib/directory/sqlite_database.hpp"

namespace homeward::directory {

class sqlite_edit final : public edit {
 public:
  // The transaction has begun on `database`.
  explicit sqlite_edit(std::shared_ptr<sqlite_database> database)
      : kept_(std::move(database)), database_(*kept_) {}
  ~sqlite_edit() override;

  [[nodiscard]] result<void> add(const server& s) override;
  [[nodiscard]] result<void> set(const server& s) override;
  [[nodiscard]] result<void> remove_server(std::string_view name) override;

  [[nodiscard]] result<void> add(const partition& p) override;
  [[nodiscard]] result<void> set(const partition& p) override;
  [[nodiscard]] result<void> remove_partition(const partition_id& id) override;

  [[nodiscard]] result<user> add(const user& u) override;
  [[nodiscard]] result<user> set(const user& u) override;
  [[nodiscard]] result<user> remove_user(std::string_view mailbox) override;

  [[nodiscard]] result<partition_id> place_next() override;
  [[nodiscard]] result<position> commit() override;

 private:
  // A statement that is prepared once for the whole edit, as an import runs it a million times.
  [[nodiscard]] result<sqlite_statement*> cached(std::string_view sql);
  [[nodiscard]] result<std::int64_t> count(std::string_view sql, std::string_view argument);
  [[nodiscard]] result<void> put_endpoints(const server& s);
  // The row of a partition; a permanent failure when there is none.
  [[nodiscard]] result<std::int64_t> row_of(const partition_id& id);
  [[nodiscard]] result<void> bind_home(sqlite_statement& statement, const home& where);
  [[nodiscard]] result<user> known_user(std::string_view mailbox);
  [[nodiscard]] result<void> load_placement();
  [[nodiscard]] result<void> store_placement();

  const std::shared_ptr<sqlite_database> kept_;
  sqlite_database& database_;
  std::map<std::string_view, sqlite_statement> statements_; // keys are literals
  std::map<partition_id, std::int64_t> rows_;
  std::optional<placement> placement_;
  bool ended_ = false;
};

} // namespace homeward::directory
