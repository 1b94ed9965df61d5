#include "lib/store_client/watch.hpp"

#include <algorithm>
#include <exception>
#include <mutex>
#include <unordered_map>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "lib/base/log.hpp"
#include "lib/base/random.hpp"
#include "lib/store_client/breaker.hpp"
#include "lib/store_client/connection.hpp"

namespace homeward::store_client {

namespace asio = boost::asio;
namespace sp = store_protocol;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds look_at_directory{1};
constexpr milliseconds shortest_wait{1};
// Its own age bound keeps a kept connection young; what is idle between two questions is fine.
constexpr std::chrono::hours any_idle{24};

double random_unit() {
  return static_cast<double>(random_between(0, 1000)) / 1000.0;
}

milliseconds jittered(milliseconds interval) {
  const double factor = 0.9 + 0.2 * random_unit();
  return std::max(shortest_wait, milliseconds(static_cast<std::int64_t>(
                                     static_cast<double>(interval.count()) * factor)));
}

// A partition's name holds no space.
std::string key_of(std::string_view partition, std::string_view mailbox) {
  std::string key;
  key.reserve(partition.size() + 1 + mailbox.size());
  key.append(partition).append(1, ' ').append(mailbox);
  return key;
}

// One answer to FULL, never changed once it is published.
struct listing {
  std::unordered_map<std::string, sp::mailbox_usage> by_key;
  steady_time heard;
};

std::shared_ptr<const listing> listing_of(std::vector<sp::mailbox_usage> usages) {
  auto made = std::make_shared<listing>();
  made->heard = steady_clock::now();
  for (sp::mailbox_usage& u : usages) {
    std::string key = key_of(u.partition, u.mailbox);
    made->by_key.insert_or_assign(std::move(key), std::move(u));
  }
  return made;
}

// One store that is followed. Its coroutine lives on the strand, and so does what only it touches.
struct followed {
  followed(asio::io_context& context, store_address a, const watch_settings& s)
      : address(std::move(a)), strand(asio::make_strand(context)), timer(strand),
        retries({.faults_to_open = 1,
                 .first_delay = std::min(s.first_retry, s.interval),
                 .longest_delay = s.interval}) {}

  const store_address address;
  asio::strand<asio::io_context::executor_type> strand;

  // On the strand only.
  asio::steady_timer timer;
  std::unique_ptr<connection> held;
  breaker retries;
  bool ending = false;

  mutable std::mutex mutex; // guards all below
  store_state state = store_state::unknown;
  std::string trouble;
  std::optional<sp::load_figures> load;
  std::shared_ptr<const listing> full;
};

using followed_ptr = std::shared_ptr<followed>;

void end(const followed_ptr& f) {
  asio::post(f->strand, [f] {
    f->ending = true;
    f->timer.cancel();
    if (f->held) {
      f->held->cut();
    }
  });
}

void note_answer(followed& f, std::optional<sp::load_figures> load,
                 std::shared_ptr<const listing> full) {
  f.retries.succeeded();
  store_state before{};
  {
    const std::lock_guard lock(f.mutex);
    before = std::exchange(f.state, store_state::up);
    f.trouble.clear();
    f.load = std::move(load);
    f.full = std::move(full);
  }
  if (before == store_state::down) {
    log::notice("store answers again", {{"store", f.address.name}});
  }
}

void note_trouble(followed& f, const failure& why) {
  static_cast<void>(f.retries.failed());
  store_state before{};
  {
    const std::lock_guard lock(f.mutex);
    before = std::exchange(f.state, store_state::down);
    f.trouble = describe(why);
    f.load.reset();
  }
  if (before != store_state::down) {
    log::warning("store does not answer",
                 {{"store", f.address.name},
                  {"failure", why},
                  {"next", "look whether stored runs there, and at the network between"}});
  }
}

} // namespace

std::string_view to_string(store_state s) {
  switch (s) {
  case store_state::unknown: return "unknown";
  case store_state::up: return "up";
  case store_state::down: return "down";
  }
  return "?";
}

// Shared with the coroutines, which may outlive the watch by a moment.
struct watch::state : std::enable_shared_from_this<state> {
  state(asio::io_context& c, stores_now now, watch_settings s)
      : context(c), stores(std::move(now)), settings(s), strand(asio::make_strand(c)),
        tending(strand) {}

  static asio::awaitable<void> tend(std::shared_ptr<state> self);
  static asio::awaitable<void> follow(std::shared_ptr<state> self, followed_ptr f);
  asio::awaitable<bool> ask(followed_ptr f);
  asio::awaitable<result<void>> ask_once(followed_ptr f, steady_time give_up);

  bool take_stores();
  void apply(std::vector<store_address> now);
  void start(asio::any_io_executor where, asio::awaitable<void> coroutine);
  [[nodiscard]] milliseconds pause_after(followed& f, bool answered) const;
  [[nodiscard]] followed_ptr find(std::string_view server) const;

  asio::io_context& context;
  const stores_now stores;
  const watch_settings settings;
  asio::strand<asio::io_context::executor_type> strand; // of tend()
  asio::steady_timer tending;                           // on the strand only
  std::mutex asking; // held while `stores` runs, so that stop() can wait for it

  mutable std::mutex mutex; // guards all below
  std::map<std::string, followed_ptr, std::less<>> by_name;
  bool stopping = false;
};

// ---- which stores there are ----

asio::awaitable<void> watch::state::tend(std::shared_ptr<state> self) {
  asio::steady_timer& timer = self->tending;
  while (self->take_stores()) {
    timer.expires_after(look_at_directory);
    co_await timer.async_wait(as_result);
  }
}

bool watch::state::take_stores() {
  const std::lock_guard one_call(asking);
  {
    const std::lock_guard lock(mutex);
    if (stopping) {
      return false;
    }
  }
  apply(stores());
  return true;
}

void watch::state::apply(std::vector<store_address> now) {
  std::vector<followed_ptr> begun;
  const std::lock_guard lock(mutex);
  if (stopping) {
    return;
  }
  std::map<std::string, followed_ptr, std::less<>> kept;
  for (store_address& address : now) {
    followed_ptr& place = kept[address.name];
    const auto known = by_name.find(address.name);
    if (place) {
      continue; // named twice: the first counts
    }
    if (known != by_name.end() && known->second->address.endpoints == address.endpoints) {
      place = known->second;
      continue;
    }
    place = std::make_shared<followed>(context, std::move(address), settings);
    begun.push_back(place);
  }
  by_name.swap(kept);
  for (const auto& [name, before] : kept) {
    const auto still = by_name.find(name);
    if (still == by_name.end() || still->second != before) {
      end(before);
    }
  }
  for (const followed_ptr& f : begun) {
    start(f->strand, follow(shared_from_this(), f));
  }
}

void watch::state::start(asio::any_io_executor where, asio::awaitable<void> coroutine) {
  asio::co_spawn(
      where, std::move(coroutine), [self = shared_from_this()](const std::exception_ptr& error) {
        if (!error) {
          return;
        }
        try {
          std::rethrow_exception(error);
        } catch (const std::exception& e) {
          log::error("bug: following a store ended by an exception", {{"what", e.what()}});
        }
      });
}

// ---- one store ----

asio::awaitable<void> watch::state::follow(std::shared_ptr<state> self, followed_ptr f) {
  while (!f->ending) {
    const bool answered = co_await self->ask(f);
    if (f->ending) {
      break;
    }
    f->timer.expires_after(self->pause_after(*f, answered));
    co_await f->timer.async_wait(as_result);
  }
  f->held.reset();
}

// A kept connection that fails says little: the store may have been restarted. Only what a fresh
// one says counts.
asio::awaitable<bool> watch::state::ask(followed_ptr f) {
  const steady_time give_up = steady_clock::now() + settings.patience;
  if (f->held && f->held->is_reusable(steady_clock::now(), any_idle)) {
    const result<void> kept = co_await ask_once(f, give_up);
    if (kept || f->ending) {
      co_return true;
    }
  }
  f->held.reset();
  result<std::unique_ptr<connection>> opened =
      co_await connection::open(f->address.endpoints, settings.connections, give_up);
  if (f->ending) {
    co_return false;
  }
  if (!opened) {
    note_trouble(*f, opened.error());
    co_return false;
  }
  f->held = std::move(*opened);
  const result<void> fresh = co_await ask_once(f, give_up);
  if (!fresh && !f->ending) {
    f->held.reset();
    note_trouble(*f, fresh.error());
  }
  co_return fresh.has_value();
}

asio::awaitable<result<void>> watch::state::ask_once(followed_ptr f, steady_time give_up) {
  result<std::optional<sp::load_figures>> load = co_await f->held->probe(give_up);
  if (!load) {
    co_return load.error();
  }
  result<std::vector<sp::mailbox_usage>> full = co_await f->held->full_mailboxes(give_up);
  if (!full) {
    co_return full.error();
  }
  note_answer(*f, std::move(*load), listing_of(std::move(*full)));
  co_return result<void>();
}

milliseconds watch::state::pause_after(followed& f, bool answered) const {
  return answered ? jittered(settings.interval)
                  : std::max(shortest_wait, f.retries.next_probe_delay(random_unit()));
}

// ---- the outside ----

watch::watch(asio::io_context& context, stores_now stores, watch_settings s)
    : state_(std::make_shared<state>(context, std::move(stores), s)) {}

watch::~watch() {
  stop();
}

void watch::start() {
  state_->start(state_->strand, state::tend(state_));
}

void watch::stop() {
  std::map<std::string, followed_ptr, std::less<>> all;
  {
    const std::lock_guard lock(state_->mutex);
    if (std::exchange(state_->stopping, true)) {
      return;
    }
    all = state_->by_name;
  }
  asio::post(state_->strand, [s = state_] { s->tending.cancel(); });
  const std::lock_guard no_call(state_->asking);
  for (const auto& [name, f] : all) {
    end(f);
  }
}

followed_ptr watch::state::find(std::string_view server) const {
  const std::lock_guard lock(mutex);
  const auto found = by_name.find(server);
  return found == by_name.end() ? nullptr : found->second;
}

store_state watch::state_of(std::string_view server) const {
  const followed_ptr f = state_->find(server);
  if (!f) {
    return store_state::unknown;
  }
  const std::lock_guard lock(f->mutex);
  return f->state;
}

std::optional<sp::load_figures> watch::load_of(std::string_view server) const {
  const followed_ptr f = state_->find(server);
  if (!f) {
    return std::nullopt;
  }
  const std::lock_guard lock(f->mutex);
  return f->load;
}

std::optional<known_usage> watch::usage_of(std::string_view server, std::string_view partition,
                                           std::string_view mailbox) const {
  const followed_ptr f = state_->find(server);
  if (!f) {
    return std::nullopt;
  }
  std::shared_ptr<const listing> full;
  {
    const std::lock_guard lock(f->mutex);
    full = f->full;
  }
  const auto since = steady_clock::now() - (full ? full->heard : steady_time());
  if (!full || since > state_->settings.usage_kept) {
    return std::nullopt;
  }
  const auto found = full->by_key.find(key_of(partition, mailbox));
  if (found == full->by_key.end()) {
    return std::nullopt;
  }
  const sp::mailbox_usage& told = found->second;
  return known_usage{.used = told.used,
                     .limit = told.limit,
                     .age = told.age + std::chrono::duration_cast<std::chrono::seconds>(since)};
}

std::map<std::string, watched_store> watch::stores() const {
  std::map<std::string, watched_store> all;
  const std::lock_guard lock(state_->mutex);
  for (const auto& [name, f] : state_->by_name) {
    const std::lock_guard of_store(f->mutex);
    all.emplace(name, watched_store{.state = f->state,
                                    .trouble = f->trouble,
                                    .load = f->load,
                                    .full_mailboxes = f->full ? f->full->by_key.size() : 0});
  }
  return all;
}

} // namespace homeward::store_client
