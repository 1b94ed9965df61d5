#include "stored/quota/usage_table.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace homeward::stored {
namespace {

std::string text_of(const mailbox_key& key) {
  std::string text;
  text.reserve(key.partition.size() + 1 + key.mailbox.size());
  text.append(key.partition).append(1, ' ').append(key.mailbox);
  return text;
}

mailbox_key key_of(std::string_view text) {
  const std::size_t space = text.find(' ');
  return {text.substr(0, space), text.substr(space + 1)};
}

// Sums of sizes that a peer and a file name tell: they stay at the top instead of wrapping.
std::uint64_t sum(std::uint64_t a, std::uint64_t b) {
  return a > ~b ? ~std::uint64_t{0} : a + b;
}

std::uint64_t difference(std::uint64_t a, std::uint64_t b) {
  return a > b ? a - b : 0;
}

} // namespace

void usage_table::set_limits(const quota_limits& limits) {
  limits_ = limits;
  forget_surplus();
}

room_answer usage_table::ask(const wanted_room& wanted, bool is_last_word, steady_time now) {
  entry& e = touch(wanted.key);
  e.limit = wanted.limit;
  list(e);
  room_answer answer{.held = e.held.octets};
  const std::uint64_t alone = sum(e.held.octets, wanted.size);
  const bool fits = sum(alone, e.promised) <= wanted.limit;
  if (!e.counted) {
    const bool hopeless = e.failed && now - *e.failed < limits_.recount;
    answer.refresh = !hopeless;
    answer.is = hopeless || is_last_word || !limits_.enforce ? room::granted : room::count_first;
  } else if (fits || !limits_.enforce) {
    answer.refresh = now - *e.counted >= limits_.recount;
  } else if (is_fresh(e, wanted.asked)) {
    answer.is = alone > wanted.limit ? room::over : room::taken;
  } else {
    answer.refresh = true;
    answer.is = is_last_word ? room::granted : room::count_first;
  }
  answer.refresh = answer.refresh && !e.counting;
  if (answer.is == room::granted) {
    e.promised = sum(e.promised, wanted.size);
    e.promises.push_back({std::string(wanted.name), wanted.size});
  }
  return answer;
}

bool usage_table::is_fresh(const entry& e, steady_time asked) {
  const std::chrono::nanoseconds rest =
      std::max<std::chrono::nanoseconds>(least_age, e.took * rest_after_count);
  return asked - *e.counted < rest;
}

void usage_table::settle(const mailbox_key& key, std::string_view name,
                         std::optional<std::uint64_t> filed) {
  entry* const e = find(key);
  if (e == nullptr) {
    return;
  }
  const auto made = std::find_if(e->promises.begin(), e->promises.end(),
                                 [&](const promise& p) { return p.name == name; });
  if (made == e->promises.end()) {
    return;
  }
  e->promised = difference(e->promised, made->size);
  if (e->counting) {
    e->ended_meanwhile.push_back(std::move(made->name));
  }
  e->promises.erase(made);
  if (filed) {
    e->held.octets = sum(e->held.octets, *filed);
    ++e->held.messages;
    if (e->counting) {
      e->filed_meanwhile.octets = sum(e->filed_meanwhile.octets, *filed);
      ++e->filed_meanwhile.messages;
    }
  }
  list(*e);
  forget_surplus();
}

bool usage_table::count_started(const mailbox_key& key) {
  entry& e = touch(key);
  if (e.counting) {
    return false;
  }
  e.counting = true;
  e.ended_meanwhile.clear();
  e.filed_meanwhile = {};
  return true;
}

std::unordered_set<std::string> usage_table::under_way(const mailbox_key& key) const {
  std::unordered_set<std::string> names;
  if (const entry* const e = find(key)) {
    names.insert(e->ended_meanwhile.begin(), e->ended_meanwhile.end());
    for (const promise& p : e->promises) {
      names.insert(p.name);
    }
  }
  return names;
}

bool usage_table::count_finished(const mailbox_key& key, std::optional<mailbox_content> content,
                                 steady_time began, steady_time now) {
  entry* const e = find(key);
  if (e == nullptr || !e->counting) {
    return false;
  }
  e->counting = false;
  e->ended_meanwhile = {};
  bool is_news = false;
  if (content) {
    e->held = {sum(content->octets, e->filed_meanwhile.octets),
               content->messages + e->filed_meanwhile.messages};
    e->counted = began;
    e->took = now - began;
    e->failed.reset();
  } else {
    is_news = !e->failed;
    e->failed = now;
    e->counted.reset();
  }
  list(*e);
  forget_surplus();
  return is_news;
}

void usage_table::count_given_up(const mailbox_key& key) {
  if (entry* const e = find(key)) {
    e->counting = false;
    e->ended_meanwhile = {};
    forget_surplus();
  }
}

// Keeps nearly_full_ right after anything of `e` has changed.
void usage_table::list(entry& e) {
  const bool is_full = e.counted && e.limit != 0 && e.held.octets >= e.limit - e.limit / 10;
  if (is_full && !e.listed) {
    nearly_full_.insert(e.key);
  } else if (!is_full && e.listed) {
    nearly_full_.erase(e.key);
  }
  e.listed = is_full;
}

template <class Visit>
void usage_table::for_listed(std::string_view partition, Visit visit) const {
  const std::string first = std::string(partition) + ' ';
  for (auto at = nearly_full_.lower_bound(first);
       at != nearly_full_.end() && at->starts_with(first); ++at) {
    visit(*by_key_.at(*at));
  }
}

std::vector<store_protocol::mailbox_usage>
usage_table::nearly_full(std::string_view partition, std::size_t most, steady_time now) const {
  std::vector<store_protocol::mailbox_usage> all;
  for_listed(partition, [&](const entry& e) {
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - *e.counted);
    all.push_back({.partition = std::string(partition),
                   .mailbox = std::string(key_of(e.key).mailbox),
                   .used = {e.held.octets},
                   .limit = {e.limit},
                   .age = std::max(age, std::chrono::seconds(0))});
  });
  const std::size_t kept = std::min(most, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(kept), all.end(),
                    store_protocol::is_fuller);
  all.resize(kept);
  return all;
}

std::vector<std::string> usage_table::old_figures(std::string_view partition, std::size_t most,
                                                  steady_time now) const {
  std::vector<const entry*> old;
  for_listed(partition, [&](const entry& e) {
    if (!e.counting && now - *e.counted >= limits_.recount) {
      old.push_back(&e);
    }
  });
  const std::size_t kept = std::min(most, old.size());
  std::partial_sort(old.begin(), old.begin() + static_cast<std::ptrdiff_t>(kept), old.end(),
                    [](const entry* a, const entry* b) { return *a->counted < *b->counted; });
  std::vector<std::string> mailboxes;
  for (std::size_t i = 0; i < kept; ++i) {
    mailboxes.emplace_back(key_of(old[i]->key).mailbox);
  }
  return mailboxes;
}

std::optional<mailbox_content> usage_table::known(const mailbox_key& key) const {
  const entry* const e = find(key);
  return e != nullptr && e->counted ? std::optional(e->held) : std::nullopt;
}

usage_table::entry& usage_table::touch(const mailbox_key& key) {
  std::string text = text_of(key);
  const auto known = by_key_.find(text);
  if (known != by_key_.end()) {
    entries_.splice(entries_.begin(), entries_, known->second);
    return entries_.front();
  }
  entries_.emplace_front();
  entries_.front().key = std::move(text);
  by_key_.emplace(entries_.front().key, entries_.begin());
  forget_surplus();
  return entries_.front();
}

usage_table::entry* usage_table::find(const mailbox_key& key) {
  const auto known = by_key_.find(text_of(key));
  return known == by_key_.end() ? nullptr : &*known->second;
}

const usage_table::entry* usage_table::find(const mailbox_key& key) const {
  const auto known = by_key_.find(text_of(key));
  return known == by_key_.end() ? nullptr : &*known->second;
}

// The oldest go; one that is busy, or just came, stays, and is met again when the next one leaves.
void usage_table::forget_surplus() {
  constexpr std::size_t looked_at = 8;
  auto at = entries_.end();
  for (std::size_t n = 0; n < looked_at && entries_.size() > limits_.mailboxes &&
                          at != entries_.begin() && std::prev(at) != entries_.begin();
       ++n) {
    --at;
    if (is_busy(*at)) {
      entries_.splice(std::next(entries_.begin()), entries_, at);
      at = entries_.end();
      continue;
    }
    nearly_full_.erase(at->key);
    by_key_.erase(at->key);
    at = entries_.erase(at);
  }
}

} // namespace homeward::stored
