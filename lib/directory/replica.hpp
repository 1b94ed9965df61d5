#pragma once
// The whole directory in memory, for daemons that decide about every recipient: an answer takes
// about a microsecond and never waits for a file or the network. About 70 octets a user and the
// name.
//
// Only a complete replica says "no such user". A replica that was never filled says "unavailable",
// which becomes "try later"; one whose engine is away goes on with what it has and says how old
// that is.
//
// Threads: view() and lookup() from any number of threads, at any time. refresh() and the file
// functions from one thread at a time; readers are not held up by them.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/base/clock.hpp"
#include "lib/base/failure.hpp"
#include "lib/directory/engine.hpp"
#include "lib/directory/types.hpp"
#include "lib/fs/file_system.hpp"

namespace homeward::directory {

class replica_table; // the data of one state of the directory; immutable (replica_table.hpp)

// A user's home with everything that is needed to deliver there. It keeps the state of the
// directory that it points into alive; copy it freely.
struct found_home {
  std::shared_ptr<const replica_table> keep_alive;
  std::string mailbox;                    // canonical: what goes into RCPT
  const partition* primary = nullptr;     // never null
  const server* primary_server = nullptr; // never null
  const partition* secondary = nullptr;   // null: no second copy
  const server* secondary_server = nullptr;
  byte_count quota{}; // 0: no limit
  user_state state = user_state::active;
  std::uint64_t epoch = 0;
};

// The directory is known and complete, and has no such mailbox.
struct no_such_user {};

// Nothing is known; the failure is transient and has the words.
struct unavailable {
  failure why;
};

using lookup_result = std::variant<found_home, no_such_user, unavailable>;

// One state of the directory. Several lookups on one view see the same state. Copy it freely; any
// thread.
class replica_view {
 public:
  replica_view() = default; // knows nothing
  explicit replica_view(std::shared_ptr<const replica_table> table) : table_(std::move(table)) {}

  // `mailbox` must be canonical (mail::address_rules); no rule is applied here.
  [[nodiscard]] lookup_result lookup(std::string_view mailbox) const;

  [[nodiscard]] bool complete() const { return table_ != nullptr; }
  [[nodiscard]] std::uint64_t users() const;
  [[nodiscard]] std::size_t memory() const; // octets, about
  [[nodiscard]] std::vector<server> servers() const;
  [[nodiscard]] std::vector<partition> partitions() const;
  [[nodiscard]] position at() const;
  // Everything to `into`, in no order of users.
  void each(receiver& into) const;

 private:
  std::shared_ptr<const replica_table> table_;
};

// What a refresh did.
struct refresh_report {
  bool reloaded = false;     // everything was read again
  std::uint64_t changed = 0; // records that are new, changed or gone; 0: nothing happened
  position at = {};
};

class replica {
 public:
  // `clock` must outlive the replica.
  explicit replica(const clock_source& clock);
  ~replica();
  replica(const replica&) = delete;
  replica& operator=(const replica&) = delete;

  [[nodiscard]] replica_view view() const;
  [[nodiscard]] lookup_result lookup(std::string_view mailbox) const {
    return view().lookup(mailbox);
  }

  // Brings the replica up to date, by changes if it can. On failure it stays as it is.
  [[nodiscard]] result<refresh_report> refresh(engine& source);

  // How long ago the replica was last known to equal its directory; nothing if it was never filled.
  [[nodiscard]] std::optional<std::chrono::seconds> age() const;

  // Keeps the last good state on disk, for a start without the engine: written beside and renamed,
  // with a checksum. `file` is an absolute path. Loading refuses a damaged file and never replaces
  // newer data that this replica already has.
  [[nodiscard]] result<void> save(fs::file_system& disk, const std::string& file) const;
  [[nodiscard]] result<void> load_saved(fs::file_system& disk, const std::string& file);

 private:
  void publish(std::shared_ptr<const replica_table> table, std::chrono::seconds age);

  const clock_source& clock_;
  mutable std::mutex mutex_; // guards all below; held only to copy or swap
  std::shared_ptr<const replica_table> table_;
  steady_time confirmed_at_{};       // when table_ was last known to be current ...
  std::chrono::seconds age_then_{0}; // ... and how old it was then (from a file)
};

} // namespace homeward::directory
