#include "lib/directory/replica_table.hpp"

#include <algorithm>
#include <bit>
#include <functional>

#include "lib/base/escape.hpp"

namespace homeward::directory {

namespace {

constexpr std::uint64_t users_per_chunk = 512;
constexpr std::uint64_t largest_chunk = 8192; // on average; beyond it users are spread anew
constexpr std::size_t most_partitions = 0xFFFE;

} // namespace

// ---- chunk ----

std::uint64_t replica_table::hash(std::string_view mailbox) {
  return std::hash<std::string_view>{}(mailbox);
}

const replica_table::entry* replica_table::chunk::find(std::string_view mailbox,
                                                       std::uint64_t hash_value) const {
  if (slots.empty()) {
    return nullptr;
  }
  const std::size_t mask = slots.size() - 1;
  for (std::size_t place = hash_value & mask; slots[place] != 0; place = (place + 1) & mask) {
    const entry& e = entries[slots[place] - 1U];
    if (name(e) == mailbox) {
      return &e;
    }
  }
  return nullptr;
}

bool replica_table::chunk::index() {
  names.shrink_to_fit();
  entries.shrink_to_fit();
  slots.assign(std::bit_ceil(entries.size() + entries.size() / 4 + 1), 0);
  const std::size_t mask = slots.size() - 1;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto mailbox = name(entries[i]);
    std::size_t place = hash(mailbox) & mask;
    for (; slots[place] != 0; place = (place + 1) & mask) {
      if (name(entries[slots[place] - 1U]) == mailbox) {
        return false;
      }
    }
    slots[place] = static_cast<std::uint16_t>(i + 1);
  }
  return true;
}

void replica_table::chunk::append(std::string_view mailbox, entry e) {
  e.name_at = static_cast<std::uint32_t>(names.size());
  e.name_size = static_cast<std::uint16_t>(mailbox.size());
  names += mailbox;
  entries.push_back(e);
}

// ---- table ----

user replica_table::user_of(const chunk& c, const entry& e) const {
  user u{.mailbox = std::string(c.name(e))};
  u.where.primary = places->partitions[e.primary].value.id;
  if (e.secondary != no_partition) {
    u.where.secondary = places->partitions[e.secondary].value.id;
  }
  u.where.quota = byte_count{e.quota};
  u.where.state = e.state;
  u.where.epoch = e.epoch;
  return u;
}

std::size_t replica_table::memory() const {
  std::size_t sum = sizeof *this + chunks.capacity() * sizeof chunks.front();
  for (const auto& c : chunks) {
    sum += sizeof *c + c->names.capacity() + c->entries.capacity() * sizeof(entry) +
           c->slots.capacity() * sizeof(std::uint16_t);
  }
  return sum;
}

// ---- builder ----

replica_builder::replica_builder(std::shared_ptr<const replica_table> base)
    : base_(std::move(base)) {
  if (!base_) {
    set_chunks(0);
    return;
  }
  places_ = *base_->places;
  for (std::size_t i = 0; i < places_.partitions.size(); ++i) {
    if (places_.partitions[i].present) {
      partition_numbers_.emplace(to_string(places_.partitions[i].value.id),
                                 static_cast<std::uint16_t>(i));
    }
  }
}

void replica_builder::fault(std::string what) {
  if (fault_.empty()) {
    fault_ = std::move(what);
  }
}

void replica_builder::set_chunks(std::uint64_t users) {
  const auto wanted = std::clamp<std::uint64_t>(users / users_per_chunk, 16, 1U << 16U);
  chunks_.resize(std::bit_ceil(static_cast<std::size_t>(wanted)));
  for (auto& c : chunks_) {
    c = std::make_shared<chunk>();
    c->entries.reserve(static_cast<std::size_t>(users / chunks_.size()));
  }
}

void replica_builder::expect_users(std::uint64_t count) {
  if (!base_ && !users_begun_) {
    set_chunks(count);
  }
}

void replica_builder::put(const server& s) {
  ++records_;
  for (std::size_t i = 0; i < places_.servers.size(); ++i) {
    if (places_.servers[i].name == s.name) {
      places_.servers[i] = s;
      places_.server_present[i] = true;
      return;
    }
  }
  places_.servers.push_back(s);
  places_.server_present.push_back(true);
}

void replica_builder::put(const partition& p) {
  ++records_;
  if (const auto number = number_of(p.id)) {
    places_.partitions[*number].value = p;
    return;
  }
  const auto on = std::find_if(places_.servers.begin(), places_.servers.end(),
                               [&](const server& s) { return s.name == p.id.server; });
  if (on == places_.servers.end()) {
    fault("partition " + to_string(p.id) + " is on a server that does not exist");
    return;
  }
  if (places_.partitions.size() >= most_partitions) {
    fault("there are more than 65534 partitions");
    return;
  }
  partition_numbers_.emplace(to_string(p.id),
                             static_cast<std::uint16_t>(places_.partitions.size()));
  places_.partitions.push_back(
      {.value = p, .server = static_cast<std::uint32_t>(on - places_.servers.begin())});
}

void replica_builder::put(const user& u) {
  ++records_;
  if (base_) {
    changed_.insert_or_assign(u.mailbox, u);
    return;
  }
  users_begun_ = true;
  if (const auto e = entry_of(u)) {
    const auto hash = replica_table::hash(u.mailbox);
    chunks_[static_cast<std::size_t>(hash >> 40U) & (chunks_.size() - 1)]->append(u.mailbox, *e);
  }
}

void replica_builder::removed_server(std::string_view name) {
  ++records_;
  for (std::size_t i = 0; i < places_.servers.size(); ++i) {
    if (places_.servers[i].name == name) {
      places_.server_present[i] = false;
    }
  }
}

void replica_builder::removed_partition(const partition_id& id) {
  ++records_;
  if (const auto number = number_of(id)) {
    places_.partitions[*number].present = false;
    partition_numbers_.erase(to_string(id));
  }
}

void replica_builder::removed_user(std::string_view mailbox) {
  ++records_;
  changed_.insert_or_assign(std::string(mailbox), std::nullopt);
}

std::optional<std::uint16_t> replica_builder::number_of(const partition_id& id) {
  const auto known = partition_numbers_.find(to_string(id));
  return known == partition_numbers_.end() ? std::nullopt : std::optional(known->second);
}

std::optional<replica_table::entry> replica_builder::entry_of(const user& u) {
  const auto primary = number_of(u.where.primary);
  const auto secondary = u.where.secondary ? number_of(*u.where.secondary) : std::nullopt;
  if (!primary || (u.where.secondary && !secondary)) {
    fault("user " + escape(u.mailbox, 256) + " lives on a partition that does not exist");
    return std::nullopt;
  }
  if (u.mailbox.size() > 0xFFFF) {
    fault("user " + escape(u.mailbox, 64) + " has a name that is too long");
    return std::nullopt;
  }
  return replica_table::entry{.quota = u.where.quota.octets,
                              .epoch = u.where.epoch,
                              .primary = *primary,
                              .secondary = secondary.value_or(replica_table::no_partition),
                              .state = u.where.state};
}

// All users of `old` into fresh chunks of a better number.
void replica_builder::spread(const replica_table& old) {
  set_chunks(old.users);
  for (const auto& c : old.chunks) {
    for (const auto& e : c->entries) {
      const auto hash = replica_table::hash(c->name(e));
      chunks_[static_cast<std::size_t>(hash >> 40U) & (chunks_.size() - 1)]->append(c->name(e), e);
    }
  }
}

// Rebuilds the chunks of base_ in which something changed; chunks_ gets those, and nulls elsewhere.
bool replica_builder::apply_changes() {
  chunks_.assign(base_->chunks.size(), nullptr);
  for (const auto& [mailbox, now] : changed_) {
    auto& fresh = chunks_[base_->chunk_of(replica_table::hash(mailbox))];
    if (fresh == nullptr) {
      fresh = std::make_shared<chunk>();
      const chunk& old = *base_->chunks[base_->chunk_of(replica_table::hash(mailbox))];
      for (const auto& e : old.entries) {
        if (!changed_.contains(std::string(old.name(e)))) {
          fresh->append(old.name(e), e);
        }
      }
    }
    if (!now) {
      continue;
    }
    if (const auto e = entry_of(*now)) {
      fresh->append(mailbox, *e);
    }
  }
  return fault_.empty();
}

result<std::shared_ptr<const replica_table>> replica_builder::finish(position at) {
  auto table = std::make_shared<replica_table>();
  table->at = std::move(at);
  if (base_ && apply_changes()) {
    table->chunks = base_->chunks;
  } else {
    table->chunks.resize(chunks_.size());
  }
  for (std::size_t i = 0; fault_.empty() && i < chunks_.size(); ++i) {
    if (chunks_[i] == nullptr) {
      continue;
    }
    if (chunks_[i]->entries.size() >= 0xFFFF) {
      fault("too many users in one chunk");
    } else if (!chunks_[i]->index()) {
      fault("a user is there twice");
    }
    table->chunks[i] = std::move(chunks_[i]);
  }
  if (!fault_.empty()) {
    return transient_failure("the user directory contradicts itself", fault_,
                             "Run `homewardctl directory check`.");
  }
  table->places = std::make_shared<const topology>(std::move(places_));
  for (const auto& c : table->chunks) {
    table->users += c->entries.size();
  }
  if (base_ && table->users > table->chunks.size() * largest_chunk) {
    spread(*table);
    for (auto& c : chunks_) {
      (void)c->index();
    }
    table->chunks.assign(chunks_.begin(), chunks_.end());
  }
  return std::shared_ptr<const replica_table>(std::move(table));
}

} // namespace homeward::directory
