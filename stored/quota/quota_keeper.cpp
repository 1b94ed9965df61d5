#include "stored/quota/quota_keeper.hpp"

#include <utility>

#include <fmt/format.h>

#include "lib/base/log.hpp"

namespace homeward::stored {

using std::chrono::steady_clock;

namespace {

// At most so many old figures are counted again for one FULL of one partition.
constexpr std::size_t refreshed_at_once = 32;

std::string waiting_key(std::string_view partition, std::string_view mailbox) {
  return fmt::format("{} {}", partition, mailbox);
}

failure over_limit(const wanted_room& wanted, std::uint64_t held) {
  return {.kind = failure_kind::transient,
          .reason = failure_reason::quota,
          .what = "the mailbox is over its limit",
          .cause = fmt::format("it holds {} of {} octets, the message has {}", held, wanted.limit,
                               wanted.size),
          .advice = "The user has to delete mail, or raise the limit: homewardctl user set MAILBOX "
                    "--quota SIZE."};
}

failure taken_by_others(const wanted_room& wanted, std::uint64_t held) {
  return transient_failure(
      "the mailbox has no room beside the messages that come at the same time",
      fmt::format("it holds {} of {} octets, the message has {}", held, wanted.limit, wanted.size));
}

} // namespace

// ---- promised_room ----

promised_room::promised_room(quota_keeper& keeper, const wanted_room& wanted)
    : keeper_(&keeper), partition_(wanted.key.partition), mailbox_(wanted.key.mailbox),
      name_(wanted.name) {}

promised_room& promised_room::operator=(promised_room&& other) noexcept {
  if (this != &other) {
    end({});
    keeper_ = std::exchange(other.keeper_, nullptr);
    partition_ = std::move(other.partition_);
    mailbox_ = std::move(other.mailbox_);
    name_ = std::move(other.name_);
  }
  return *this;
}

void promised_room::end(std::optional<std::uint64_t> filed) noexcept {
  if (quota_keeper* const keeper = std::exchange(keeper_, nullptr)) {
    keeper->settle({partition_, mailbox_}, name_, filed);
  }
}

// ---- quota_keeper ----

quota_keeper::quota_keeper(const clock_source& clock, const quota_limits& limits, run_count run)
    : clock_(&clock), run_(std::move(run)), table_(limits) {}

quota_keeper::~quota_keeper() {
  stop();
}

void quota_keeper::set_limits(const quota_limits& limits) {
  const std::lock_guard lock(mutex_);
  table_.set_limits(limits);
}

void quota_keeper::stop() {
  // Destroyed without the lock: what waits gives back its room when it ends.
  decltype(waiting_) dropped;
  decltype(by_time_) dropped_too;
  std::thread watcher;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(waiting_);
    dropped_too.swap(by_time_);
    watcher.swap(watcher_);
    changed_.notify_all();
  }
  if (watcher.joinable()) {
    watcher.join();
  }
}

room_verdict quota_keeper::ask(const counted_place& place, const wanted_room& wanted,
                               bool is_last_word) {
  room_verdict verdict;
  room_answer answer;
  {
    const std::lock_guard lock(mutex_);
    answer = table_.ask(wanted, is_last_word || stopping_, clock_->steady_now());
    answer.refresh = answer.refresh && answer.is != room::count_first && !stopping_ &&
                     table_.count_started(wanted.key);
  }
  if (answer.refresh) {
    start_count(place, std::string(wanted.key.mailbox), urgency::some_time);
  }
  verdict.is = answer.is;
  switch (answer.is) {
  case room::granted: verdict.promise = promised_room(*this, wanted); break;
  case room::over: verdict.why = over_limit(wanted, answer.held); break;
  case room::taken: verdict.why = taken_by_others(wanted, answer.held); break;
  case room::count_first: break;
  }
  return verdict;
}

void quota_keeper::settle(const mailbox_key& key, std::string_view name,
                          std::optional<std::uint64_t> filed) {
  const std::lock_guard lock(mutex_);
  table_.settle(key, name, filed);
}

// ---- counting ----

void quota_keeper::count_then(const counted_place& place, const std::vector<std::string>& mailboxes,
                              std::chrono::nanoseconds patience, std::function<void()> then) {
  const std::string& partition = place.where->name();
  const auto w = std::make_shared<waiter>();
  std::vector<std::string> to_count;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      return;
    }
    w->open = mailboxes.size();
    w->then = std::move(then);
    for (const std::string& mailbox : mailboxes) {
      waiting_[waiting_key(partition, mailbox)].push_back(w);
      if (table_.count_started({partition, mailbox})) {
        to_count.push_back(mailbox);
      }
    }
    by_time_.emplace(steady_clock::now() + patience, w);
    if (!watcher_.joinable()) {
      watcher_ = std::thread([this] { watch_patience(); });
    }
    changed_.notify_all();
  }
  for (const std::string& mailbox : to_count) {
    start_count(place, mailbox, urgency::now);
  }
}

void quota_keeper::start_count(const counted_place& place, const std::string& mailbox,
                               urgency how) {
  const result<void> taken = run_(place, how, [this, place, mailbox] { count(place, mailbox); });
  if (taken) {
    return;
  }
  std::vector<std::function<void()>> ready;
  {
    const std::lock_guard lock(mutex_);
    table_.count_given_up({place.where->name(), mailbox});
    ready = counted(waiting_key(place.where->name(), mailbox));
  }
  for (const auto& then : ready) {
    then();
  }
}

void quota_keeper::count(const counted_place& place, const std::string& mailbox) {
  const mailbox_key key{place.where->name(), mailbox};
  const steady_time began = clock_->steady_now();
  const result<mailbox_content> content = count_usage(*place.where, mailbox, [&] {
    const std::lock_guard lock(mutex_);
    return table_.under_way(key);
  });
  const std::chrono::nanoseconds took = clock_->steady_now() - began;
  std::vector<std::function<void()>> ready;
  bool is_news = false;
  {
    const std::lock_guard lock(mutex_);
    is_news = table_.count_finished(key, content ? std::optional(*content) : std::nullopt, began,
                                    began + took);
    ready = counted(waiting_key(key.partition, mailbox));
  }
  if (!content && is_news) {
    log::warning(
        "a mailbox cannot be counted: its limit is not enforced",
        {{"partition", key.partition}, {"mailbox", mailbox}, {"failure", content.error()}});
  }
  if (content && took > longest_wait) {
    log::warning("counting a mailbox took long: mail that came meanwhile was let in",
                 {{"partition", key.partition},
                  {"mailbox", mailbox},
                  {"messages", content->messages},
                  {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(took).count()}});
  }
  for (const auto& then : ready) {
    then();
  }
}

// Who waited for this mailbox last of all. With the lock.
std::vector<std::function<void()>> quota_keeper::counted(const std::string& key) {
  std::vector<std::function<void()>> ready;
  const auto found = waiting_.find(key);
  if (found == waiting_.end()) {
    return ready;
  }
  for (const waiter_pointer& w : found->second) {
    if (--w->open == 0 && w->then) {
      ready.push_back(std::exchange(w->then, {}));
    }
  }
  waiting_.erase(found);
  return ready;
}

void quota_keeper::watch_patience() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto first = by_time_.begin();
    if (first == by_time_.end()) {
      changed_.wait(lock);
      continue;
    }
    const steady_time give_up = first->first;
    if (first->second->then && steady_clock::now() < give_up) {
      changed_.wait_until(lock, give_up);
      continue;
    }
    const std::function<void()> then = std::exchange(first->second->then, {});
    by_time_.erase(first);
    if (!then) {
      continue; // counted in time
    }
    lock.unlock();
    then();
    lock.lock();
  }
}

// ---- telling ----

std::vector<store_protocol::mailbox_usage> quota_keeper::nearly_full(const counted_place& place,
                                                                     std::size_t most) {
  const std::string& partition = place.where->name();
  std::vector<store_protocol::mailbox_usage> full;
  std::vector<std::string> old;
  {
    const std::lock_guard lock(mutex_);
    const steady_time now = clock_->steady_now();
    full = table_.nearly_full(partition, most, now);
    old = table_.old_figures(partition, stopping_ ? 0 : refreshed_at_once, now);
    std::erase_if(old, [&](const std::string& mailbox) {
      return !table_.count_started({partition, mailbox});
    });
  }
  for (const std::string& mailbox : old) {
    start_count(place, mailbox, urgency::some_time);
  }
  return full;
}

std::optional<mailbox_content> quota_keeper::known(const mailbox_key& key) const {
  const std::lock_guard lock(mutex_);
  return table_.known(key);
}

} // namespace homeward::stored
