#include "stored/delivery/remembered_names.hpp"

#include <algorithm>

namespace homeward::stored {
namespace {
constexpr std::size_t smallest_index = 64;
}

byte_count remembered_names::memory() const {
  return {entries_.size() * entry_cost + origins_.octets()};
}

std::size_t remembered_names::home(const identity& id) const {
  return identity_hash{}(id) & (index_.size() - 1);
}

std::size_t remembered_names::place_of(const identity& id) const {
  std::size_t place = home(id);
  while (index_[place] != 0 && !(at(index_[place]).id == id)) {
    place = (place + 1) & (index_.size() - 1);
  }
  return place;
}

void remembered_names::grow_index() {
  index_.assign(std::max(smallest_index, index_.size() * 2), 0);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    index_[place_of(entries_[i].id)] = first_ + i;
  }
}

void remembered_names::remember(const identity& id, const store_protocol::message_name& name,
                                steady_time now) {
  drop_expired(now);
  if ((entries_.size() + 1) * 2 > index_.size()) {
    grow_index();
  }
  entry_number& place = index_[place_of(id)];
  if (place != 0) {
    return;
  }
  place = first_ + entries_.size();
  // What a log tells may be older than what is here already; it then lives a little longer.
  const std::uint32_t when =
      std::max(age_of_table(now), entries_.empty() ? 0U : entries_.back().when);
  entries_.push_back({id, name.seconds, when, origins_.take(name.origin)});
  while (memory() > limits_.memory && entries_.size() > 1) {
    drop_oldest();
    ++forgotten_early_;
  }
}

std::optional<remembered_names::rest_of_name> remembered_names::find(const identity& id,
                                                                     steady_time now) {
  drop_expired(now);
  if (index_.empty()) {
    return std::nullopt;
  }
  const entry_number n = index_[place_of(id)];
  if (n == 0) {
    return std::nullopt;
  }
  return rest_of_name{at(n).seconds, origins_.text(at(n).origin)};
}

void remembered_names::drop_expired(steady_time now) {
  const std::uint32_t age = age_of_table(now);
  while (!entries_.empty() && age > entries_.front().when &&
         std::chrono::seconds(age - entries_.front().when) >= limits_.age) {
    drop_oldest();
  }
}

std::uint32_t remembered_names::age_of_table(steady_time now) {
  if (!started_) {
    started_ = now;
  }
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - *started_);
  return static_cast<std::uint32_t>(std::max<std::int64_t>(age.count(), 0));
}

void remembered_names::drop_oldest() {
  const std::size_t place = place_of(entries_.front().id);
  index_[place] = 0;
  close_gap(place);
  origins_.release(entries_.front().origin);
  entries_.pop_front();
  ++first_;
}

// Moves entries behind an emptied place forward when the gap lies between them and their home, so
// that every search still ends at an empty place.
void remembered_names::close_gap(std::size_t empty) {
  const std::size_t mask = index_.size() - 1;
  for (std::size_t place = (empty + 1) & mask; index_[place] != 0; place = (place + 1) & mask) {
    const std::size_t from_home = (place - home(at(index_[place]).id)) & mask;
    const std::size_t from_gap = (place - empty) & mask;
    if (from_home >= from_gap) {
      index_[empty] = index_[place];
      index_[place] = 0;
      empty = place;
    }
  }
}

} // namespace homeward::stored
