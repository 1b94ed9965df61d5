#include "lib/directory/replica.hpp"

#include <algorithm>
#include <malloc.h>
#include <utility>

#include "lib/directory/replica_file.hpp"
#include "lib/directory/replica_table.hpp"

namespace homeward::directory {

// ---- view ----

lookup_result replica_view::lookup(std::string_view mailbox) const {
  if (!table_) {
    return unavailable{
        transient_failure("the user directory is not available yet", "the replica was never filled",
                          "See the log of this program for what keeps it from the directory.")};
  }
  const auto hash = replica_table::hash(mailbox);
  const replica_table::entry* e = table_->chunks[table_->chunk_of(hash)]->find(mailbox, hash);
  if (e == nullptr) {
    return no_such_user{};
  }
  const topology& places = *table_->places;
  found_home found;
  found.keep_alive = table_;
  found.mailbox = mailbox;
  found.primary = &places.partitions[e->primary].value;
  found.primary_server = &places.servers[places.partitions[e->primary].server];
  if (e->secondary != replica_table::no_partition) {
    found.secondary = &places.partitions[e->secondary].value;
    found.secondary_server = &places.servers[places.partitions[e->secondary].server];
  }
  found.quota = byte_count{e->quota};
  found.state = e->state;
  found.epoch = e->epoch;
  return found;
}

std::uint64_t replica_view::users() const {
  return table_ ? table_->users : 0;
}

std::size_t replica_view::memory() const {
  return table_ ? table_->memory() : 0;
}

position replica_view::at() const {
  return table_ ? table_->at : position{};
}

std::vector<server> replica_view::servers() const {
  std::vector<server> all;
  for (std::size_t i = 0; table_ && i < table_->places->servers.size(); ++i) {
    if (table_->places->server_present[i]) {
      all.push_back(table_->places->servers[i]);
    }
  }
  return all;
}

std::vector<partition> replica_view::partitions() const {
  std::vector<partition> all;
  if (table_) {
    for (const auto& slot : table_->places->partitions) {
      if (slot.present) {
        all.push_back(slot.value);
      }
    }
  }
  return all;
}

void replica_view::each(receiver& into) const {
  if (!table_) {
    return;
  }
  for (const auto& s : servers()) {
    into.put(s);
  }
  for (const auto& p : partitions()) {
    into.put(p);
  }
  into.expect_users(table_->users);
  for (const auto& c : table_->chunks) {
    for (const auto& e : c->entries) {
      into.put(table_->user_of(*c, e));
    }
  }
}

// ---- replica ----

replica::replica(const clock_source& clock) : clock_(clock) {}
replica::~replica() = default;

replica_view replica::view() const {
  const std::lock_guard lock(mutex_);
  return replica_view(table_);
}

void replica::publish(std::shared_ptr<const replica_table> table, std::chrono::seconds age) {
  const steady_time now = clock_.steady_now();
  {
    const std::lock_guard lock(mutex_);
    table_.swap(table);
    confirmed_at_ = now;
    age_then_ = age;
  }
  // The old table, now in `table`, is freed here and not under the lock.
}

result<refresh_report> replica::refresh(engine& source) {
  std::shared_ptr<const replica_table> known;
  {
    const std::lock_guard lock(mutex_);
    known = table_;
  }
  if (known) {
    replica_builder changes(known);
    auto reached = source.changes_since(known->at, changes);
    if (reached.has_error()) {
      return reached.error();
    }
    if (*reached && changes.records() == 0 && **reached == known->at) {
      publish(std::move(known), std::chrono::seconds(0));
      return refresh_report{.at = **reached};
    }
    if (*reached) {
      auto table = changes.finish(**reached);
      if (table.has_value()) {
        publish(std::move(*table), std::chrono::seconds(0));
        return refresh_report{.changed = changes.records(), .at = **reached};
      }
      // What changed does not fit to what is known: only everything can tell.
    }
  }
  replica_builder all;
  auto reached = source.load(all);
  if (reached.has_error()) {
    return reached.error();
  }
  auto table = all.finish(*reached);
  if (table.has_error()) {
    return table.error();
  }
  publish(std::move(*table), std::chrono::seconds(0));
  known.reset();
  // What the building and the old table took goes back to the system: it is as much as the table
  // itself.
  (void)::malloc_trim(0);
  return refresh_report{.reloaded = true, .changed = all.records(), .at = *reached};
}

std::optional<std::chrono::seconds> replica::age() const {
  const std::lock_guard lock(mutex_);
  if (!table_) {
    return std::nullopt;
  }
  return age_then_ +
         std::chrono::duration_cast<std::chrono::seconds>(clock_.steady_now() - confirmed_at_);
}

result<void> replica::save(fs::file_system& disk, const std::string& file) const {
  const auto how_old = age();
  if (!how_old) {
    return transient_failure("there is nothing to save: the replica was never filled");
  }
  return write_replica_file(disk, file, view(), clock_.wall_now() - *how_old);
}

result<void> replica::load_saved(fs::file_system& disk, const std::string& file) {
  if (view().complete()) {
    return transient_failure("the replica is filled already");
  }
  auto saved = read_replica_file(disk, file);
  if (saved.has_error()) {
    return saved.error();
  }
  const auto how_old =
      std::chrono::duration_cast<std::chrono::seconds>(clock_.wall_now() - saved->current_at);
  publish(std::move(saved->table), std::max(how_old, std::chrono::seconds(0)));
  return {};
}

} // namespace homeward::directory
