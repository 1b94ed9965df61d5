#pragma once
// What holds the user directory: the narrow interface behind which SQLite, a static YAML list, and
// other databases are. Daemons only read through it, to keep their replica (replica.hpp) current;
// homewardctl also writes. One thread at a time may use an engine, unless an implementation says
// otherwise.
//
// An engine that cannot be reached, is locked for too long, damaged, or of a newer schema answers
// with a transient failure: never with an empty directory.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/directory/types.hpp"

namespace homeward::directory {

// A state of a directory. Change numbers rise by every change and are comparable only within one
// generation; a directory that was made anew or restored from a backup has another generation.
struct position {
  std::string generation;
  std::uint64_t change = 0;

  friend bool operator==(const position&, const position&) = default;
};

// Takes what an engine reads, record by record, so that a million users never exist twice in
// memory. Servers come first, then partitions, then users.
class receiver {
 public:
  receiver() = default;
  receiver(const receiver&) = delete;
  receiver& operator=(const receiver&) = delete;
  virtual ~receiver() = default;

  virtual void expect_users(std::uint64_t /*count*/) {} // about how many will come
  virtual void put(const server& s) = 0;                // new or changed
  virtual void put(const partition& p) = 0;
  virtual void put(const user& u) = 0;
  virtual void removed_server(std::string_view /*name*/) {}
  virtual void removed_partition(const partition_id& /*id*/) {}
  virtual void removed_user(std::string_view /*mailbox*/) {}
};

// Which users a listing shows. All conditions must hold.
struct user_filter {
  std::string pattern = {};            // "*" and "?" as in the shell; empty: all
  std::optional<partition_id> on = {}; // with primary or secondary there
  std::optional<user_state> state = {};
  std::uint64_t limit = 0; // 0: no limit
};

// How many users live on a partition.
struct partition_use {
  partition_id id;
  std::uint64_t primary = 0;
  std::uint64_t secondary = 0;
};

// What is remembered of a removed user, so that its epoch is never given again.
struct former_user {
  std::string mailbox;
  std::string home; // "server/directory", where its mail was, and unless somebody moved it still is
  std::uint64_t epoch = 0;
  std::int64_t removed_at = 0; // seconds since 1970
};

// One transaction that changes a directory. What it does becomes visible to others, durably and as
// a whole, by commit(); destroyed without it, nothing has happened. Values are checked
// (complaint()); a duplicate, an unknown name, or the removal of something still in use is a
// permanent failure with advice. After a transient failure give the edit up.
class edit {
 public:
  edit() = default;
  edit(const edit&) = delete;
  edit& operator=(const edit&) = delete;
  virtual ~edit() = default;

  [[nodiscard]] virtual result<void> add(const server& s) = 0;
  [[nodiscard]] virtual result<void> set(const server& s) = 0; // replaces its endpoints
  [[nodiscard]] virtual result<void> remove_server(std::string_view name) = 0;

  [[nodiscard]] virtual result<void> add(const partition& p) = 0;
  [[nodiscard]] virtual result<void> set(const partition& p) = 0;
  [[nodiscard]] virtual result<void> remove_partition(const partition_id& id) = 0;

  // The epoch of a new user is chosen by the engine (above that of a former one of the same name),
  // that of a changed one is raised when the home changed. Both return the user as it is now.
  [[nodiscard]] virtual result<user> add(const user& u) = 0;
  [[nodiscard]] virtual result<user> set(const user& u) = 0;
  [[nodiscard]] virtual result<user> remove_user(std::string_view mailbox) = 0;

  // The partition for the next new user: active partitions in turn, those of a higher weight more
  // often (requirement A2). The turn is kept in the directory, so it goes on after a restart.
  [[nodiscard]] virtual result<partition_id> place_next() = 0;

  // The new position of the directory.
  [[nodiscard]] virtual result<position> commit() = 0;
};

class engine {
 public:
  engine() = default;
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;
  virtual ~engine() = default;

  // "sqlite directory /var/lib/homeward/directory.db", for messages.
  [[nodiscard]] virtual std::string description() const = 0;

  // Everything, as it was at one moment.
  [[nodiscard]] virtual result<position> load(receiver& into) = 0;

  // What changed after `known`, and the position reached. Nothing when that cannot be told (another
  // generation, or too long ago): then load(). `into` may be told the same record once only, in its
  // newest form.
  [[nodiscard]] virtual result<std::optional<position>> changes_since(const position& known,
                                                                      receiver& into) = 0;

  // For people and programs that want a few records. Users come in the order of their names;
  // `visit` returns false to stop.
  [[nodiscard]] virtual result<std::vector<server>> servers() = 0;
  [[nodiscard]] virtual result<std::vector<partition>> partitions() = 0;
  [[nodiscard]] virtual result<std::vector<partition_use>> usage() = 0;
  [[nodiscard]] virtual result<std::optional<user>> find_user(std::string_view mailbox) = 0;
  [[nodiscard]] virtual result<std::optional<former_user>>
  find_former(std::string_view /*mailbox*/) {
    return std::optional<former_user>{};
  }
  [[nodiscard]] virtual result<void> each_user(const user_filter& filter,
                                               const std::function<bool(const user&)>& visit) = 0;

  // Begins a transaction; a permanent failure when the engine can only be read.
  [[nodiscard]] virtual result<std::unique_ptr<edit>> begin() = 0;
};

} // namespace homeward::directory
