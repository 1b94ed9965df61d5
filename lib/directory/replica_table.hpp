#pragma once
// The data behind a replica, private to lib/directory: one state of the directory, immutable, built
// once and then shared by all readers. A change builds a new table that shares all chunks but the
// changed ones, so that readers never wait and a small change costs little.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/directory/engine.hpp"
#include "lib/directory/replica.hpp"
#include "lib/directory/types.hpp"

namespace homeward::directory {

// Servers and partitions by number. Numbers stay as they are while users point to them, so a
// removed partition leaves its place empty until everything is loaded again.
struct topology {
  struct slot {
    partition value;
    std::uint32_t server = 0; // index into servers
    bool present = true;
  };
  std::vector<server> servers = {};
  std::vector<bool> server_present = {};
  std::vector<slot> partitions = {};
};

class replica_table {
 public:
  // A few hundred users: what is copied when one of them changes.
  struct entry {
    std::uint64_t quota = 0;
    std::uint64_t epoch = 0;
    std::uint32_t name_at = 0; // in chunk::names
    std::uint16_t name_size = 0;
    std::uint16_t primary = 0;   // number of the partition
    std::uint16_t secondary = 0; // or no_partition
    user_state state = user_state::active;
  };
  static constexpr std::uint16_t no_partition = 0xFFFF;

  struct chunk {
    std::string names;
    std::vector<entry> entries;
    std::vector<std::uint16_t> slots; // open addressing; index into entries + 1, 0 is free

    [[nodiscard]] std::string_view name(const entry& e) const {
      return std::string_view(names).substr(e.name_at, e.name_size);
    }
    [[nodiscard]] const entry* find(std::string_view mailbox, std::uint64_t hash_value) const;
    // Fills slots from entries. False when a name is there twice.
    [[nodiscard]] bool index();
    void append(std::string_view mailbox, entry e);
  };

  [[nodiscard]] static std::uint64_t hash(std::string_view mailbox);
  [[nodiscard]] std::size_t chunk_of(std::uint64_t hash_value) const {
    return static_cast<std::size_t>(hash_value >> 40U) & (chunks.size() - 1);
  }

  [[nodiscard]] user user_of(const chunk& c, const entry& e) const;
  [[nodiscard]] std::size_t memory() const;

  std::shared_ptr<const topology> places;
  std::vector<std::shared_ptr<const chunk>> chunks; // a power of two
  std::uint64_t users = 0;
  position at = {};
};

// Builds a table: from nothing (load), or from another one and what changed since.
class replica_builder final : public receiver {
 public:
  explicit replica_builder(std::shared_ptr<const replica_table> base = nullptr);

  void expect_users(std::uint64_t count) override;
  void put(const server& s) override;
  void put(const partition& p) override;
  void put(const user& u) override;
  void removed_server(std::string_view name) override;
  void removed_partition(const partition_id& id) override;
  void removed_user(std::string_view mailbox) override;

  // How many records were put or removed.
  [[nodiscard]] std::uint64_t records() const { return records_; }
  // The table. Fails when the records do not fit together (a user on an unknown partition, a user
  // twice): then the source is damaged, and the old table is the better one.
  [[nodiscard]] result<std::shared_ptr<const replica_table>> finish(position at);

 private:
  using chunk = replica_table::chunk;

  [[nodiscard]] std::optional<std::uint16_t> number_of(const partition_id& id);
  [[nodiscard]] std::optional<replica_table::entry> entry_of(const user& u);
  void set_chunks(std::uint64_t users);
  void spread(const replica_table& old);
  [[nodiscard]] bool apply_changes();
  void fault(std::string what);

  std::shared_ptr<const replica_table> base_;
  topology places_;
  std::unordered_map<std::string, std::uint16_t> partition_numbers_; // by "server/directory"
  std::vector<std::shared_ptr<chunk>> chunks_;                       // when loading
  std::unordered_map<std::string, std::optional<user>> changed_;     // when changing
  std::uint64_t records_ = 0;
  bool users_begun_ = false;
  std::string fault_;
};

} // namespace homeward::directory
