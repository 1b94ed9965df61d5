#include "lib/store_client/pool.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "lib/base/log.hpp"
#include "lib/base/random.hpp"

namespace homeward::store_client {

namespace asio = boost::asio;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

namespace {

double random_unit() {
  return static_cast<double>(random_between(0, 1000)) / 1000.0;
}

// Opens a connection that lives on `strand`; a plain pointer, because co_spawn wants a default
// value.
struct opened {
  std::unique_ptr<connection> held;
  failure why = transient_failure("the connection attempt ended early");
};

asio::awaitable<opened> open_on_strand(std::vector<net::endpoint> endpoints, settings s,
                                       steady_time give_up) {
  result<std::unique_ptr<connection>> c =
      co_await connection::open(std::move(endpoints), s, give_up);
  opened o;
  if (c) {
    o.held = std::move(*c);
  } else {
    o.why = c.error();
  }
  co_return o;
}

} // namespace

pool::lease::lease(std::shared_ptr<pool> owner, std::string partition)
    : owner_(std::move(owner)), partition_(std::move(partition)) {}

pool::lease::lease(lease&& other) noexcept
    : held(std::move(other.held)), owner_(std::exchange(other.owner_, nullptr)),
      partition_(std::move(other.partition_)) {}

pool::lease& pool::lease::operator=(lease&& other) noexcept {
  std::swap(held, other.held);
  std::swap(owner_, other.owner_);
  std::swap(partition_, other.partition_);
  return *this;
}

pool::lease::~lease() {
  if (owner_) {
    close_on_its_strand(std::move(held));
    owner_->give_back_slot(partition_);
  }
}

void pool::lease::put_back() {
  if (!held || !held->is_reusable(std::chrono::steady_clock::now(), std::chrono::hours(1))) {
    return;
  }
  const std::lock_guard lock(owner_->mutex_);
  if (!owner_->stopping_) {
    owner_->idle_.push_back(std::move(held));
  }
}

pool::pool(asio::io_context& context, std::string name, settings s)
    : context_(context), name_(std::move(name)), settings_(s), breaker_(s.breaker) {}

void pool::set_endpoints(std::vector<net::endpoint> endpoints) {
  const std::lock_guard lock(mutex_);
  if (endpoints_ == endpoints) {
    return;
  }
  endpoints_ = std::move(endpoints);
  for (auto& c : idle_) {
    close_on_its_strand(std::move(c));
  }
  idle_.clear();
}

failure pool::down_failure() const {
  return transient_failure("store " + name_ + " is down", "it did not answer and is being probed",
                           "Start stored there, or look at the network between.");
}

asio::awaitable<result<pool::lease>> pool::acquire(std::string partition, bool fresh,
                                                   steady_time give_up) {
  {
    const std::lock_guard lock(mutex_);
    if (breaker_.is_open() || stopping_) {
      co_return down_failure();
    }
  }
  const bool has_slot = co_await wait_for_slot(partition, give_up);
  if (!has_slot) {
    co_return transient_failure("store " + name_ + " is too busy",
                                "no connection became free for partition " + partition,
                                "See 'homewardctl status': is that partition stuck?");
  }
  lease granted(shared_from_this(), partition);
  if (!fresh) {
    granted.held = take_idle();
    if (granted.held) {
      co_return granted;
    }
  }
  std::vector<net::endpoint> endpoints;
  {
    const std::lock_guard lock(mutex_);
    ++connects_;
    endpoints = endpoints_;
  }
  opened o = co_await asio::co_spawn(asio::make_strand(context_),
                                     open_on_strand(std::move(endpoints), settings_, give_up),
                                     asio::use_awaitable);
  if (!o.held) {
    count_fault();
    co_return o.why;
  }
  granted.held = std::move(o.held);
  co_return granted;
}

asio::awaitable<bool> pool::wait_for_slot(std::string partition, steady_time give_up) {
  std::shared_ptr<waiter> w;
  {
    const std::lock_guard lock(mutex_);
    ++transactions_;
    if (waiters_.empty() && take_slot(partition)) {
      co_return true;
    }
  }
  w = std::make_shared<waiter>(co_await asio::this_coro::executor);
  w->partition = std::move(partition);
  {
    const std::lock_guard lock(mutex_);
    waiters_.push_back(w);
    grant_to_waiters();
    if (w->granted) {
      co_return true;
    }
  }
  // The grant cancels the timer by a post to this coroutine's executor, so it cannot come too
  // early.
  w->timer.expires_at(give_up);
  co_await w->timer.async_wait(as_result);
  const std::lock_guard lock(mutex_);
  if (!w->granted) {
    waiters_.remove(w);
  }
  co_return w->granted;
}

bool pool::take_slot(const std::string& partition) {
  std::size_t& of_partition = in_use_by_partition_[partition];
  if (in_use_ >= settings_.connections || of_partition >= settings_.connections_per_partition) {
    return false;
  }
  ++in_use_;
  ++of_partition;
  return true;
}

void pool::give_back_slot(const std::string& partition) {
  const std::lock_guard lock(mutex_);
  --in_use_;
  if (--in_use_by_partition_[partition] == 0) {
    in_use_by_partition_.erase(partition);
  }
  grant_to_waiters();
}

// In order of arrival, but a partition at its cap does not hold up the ones behind it.
void pool::grant_to_waiters() {
  for (auto it = waiters_.begin(); it != waiters_.end() && in_use_ < settings_.connections;) {
    const std::shared_ptr<waiter> w = *it;
    if (!take_slot(w->partition)) {
      ++it;
      continue;
    }
    w->granted = true;
    it = waiters_.erase(it);
    asio::post(w->timer.get_executor(), [w] { w->timer.cancel(); });
  }
}

std::unique_ptr<connection> pool::take_idle() {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  while (!idle_.empty()) {
    std::unique_ptr<connection> c = std::move(idle_.back());
    idle_.pop_back();
    if (c->is_reusable(now, settings_.times.client_idle)) {
      return c;
    }
    close_on_its_strand(std::move(c));
  }
  return nullptr;
}

void pool::report(const transaction_report& r) {
  if (r.connection_failed) {
    count_fault();
    return;
  }
  const std::lock_guard lock(mutex_);
  breaker_.succeeded();
  if (r.load) {
    load_ = r.load;
  }
}

void pool::count_fault() {
  {
    const std::lock_guard lock(mutex_);
    if (!breaker_.failed() || stopping_) {
      return;
    }
    probe_timer_ = std::make_shared<asio::steady_timer>(context_);
  }
  log::error(
      "store is down",
      {{"store", name_}, {"next", "mail for it waits in the MTA's queue; start stored there"}});
  // It may begin to run before co_spawn returns, and takes the mutex.
  asio::co_spawn(
      context_, [self = shared_from_this()] { return self->probe_until_up(); }, asio::detached);
}

asio::awaitable<void> pool::probe_until_up() {
  while (true) {
    std::shared_ptr<asio::steady_timer> timer;
    std::vector<net::endpoint> endpoints;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) {
        co_return;
      }
      timer = probe_timer_;
      timer->expires_after(breaker_.next_probe_delay(random_unit()));
      endpoints = endpoints_;
    }
    co_await timer->async_wait(as_result);
    opened o = co_await asio::co_spawn(
        asio::make_strand(context_),
        open_on_strand(std::move(endpoints), settings_, steady_time::max()), asio::use_awaitable);
    const std::lock_guard lock(mutex_);
    ++connects_;
    if (o.held) {
      breaker_.succeeded();
      idle_.push_back(std::move(o.held));
      log_up();
      co_return;
    }
  }
}

void pool::log_up() const {
  log::notice("store is up again", {{"store", name_}});
}

void pool::close_idle() {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  std::erase_if(idle_, [&](std::unique_ptr<connection>& c) {
    if (c->is_reusable(now, settings_.times.client_idle)) {
      return false;
    }
    close_on_its_strand(std::move(c));
    return true;
  });
}

void pool::shut_down() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  for (auto& c : idle_) {
    close_on_its_strand(std::move(c));
  }
  idle_.clear();
  if (probe_timer_) {
    asio::post(context_, [timer = probe_timer_] { timer->cancel(); });
  }
}

pool_figures pool::figures() const {
  const std::lock_guard lock(mutex_);
  return pool_figures{.idle = idle_.size(),
                      .in_use = in_use_,
                      .waiting = waiters_.size(),
                      .connects = connects_,
                      .transactions = transactions_,
                      .down = breaker_.is_open(),
                      .load = load_};
}

void pool::close_on_its_strand(std::unique_ptr<connection> c) {
  if (c) {
    const auto executor = c->get_executor();
    asio::post(executor, [closing = std::move(c)] {});
  }
}

} // namespace homeward::store_client
