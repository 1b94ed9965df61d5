#include "lib/store_client/store_client.hpp"

#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "lib/base/log.hpp"

namespace homeward::store_client {

namespace asio = boost::asio;
namespace sp = store_protocol;

namespace {

// One attempt: a lease, a transaction. The failure of the lease is the outcome of every recipient.
struct attempt {
  transaction_report report;
  bool connected = false;
};

asio::awaitable<attempt> try_once(std::shared_ptr<pool> from, sp::envelope envelope,
                                  std::shared_ptr<const fs::message_spool> message, bool fresh,
                                  steady_time give_up) {
  attempt a;
  const std::size_t recipients = envelope.recipients.size();
  result<pool::lease> lease = co_await from->acquire(envelope.partition, fresh, give_up);
  if (!lease) {
    a.report.outcomes.assign(recipients, lease.error());
    co_return a;
  }
  a.connected = true;
  connection& c = *lease->held;
  a.report = co_await asio::co_spawn(c.get_executor(),
                                     c.deliver(std::move(envelope), std::move(message), give_up),
                                     asio::use_awaitable);
  from->report(a.report);
  if (!a.report.connection_failed) {
    lease->put_back();
  }
  co_return a;
}

// A settled outcome is one that the store itself told.
bool is_open(const sp::outcome& o, bool connection_failed) {
  return o.has_error() && (o.error().kind == failure_kind::unknown_outcome ||
                           (connection_failed && o.error().kind == failure_kind::transient));
}

void log_repeat(const store_address& store, const sp::envelope& envelope, const failure& why,
                std::size_t recipients) {
  log::warning("connection to the store failed, repeating once",
               {{"store", store.name},
                {"name", sp::to_string(envelope.name)},
                {"recipients", recipients},
                {"why", why}});
}

} // namespace

store_client::store_client(asio::io_context& context, const settings& s)
    : context_(context), settings_(s) {}

asio::awaitable<std::vector<sp::outcome>>
store_client::deliver(store_address store, sp::envelope envelope,
                      std::shared_ptr<const fs::message_spool> message, steady_time give_up) {
  const std::shared_ptr<pool> from = pool_of(store);
  attempt first = co_await try_once(from, envelope, message, false, give_up);
  std::vector<sp::outcome> outcomes = std::move(first.report.outcomes);
  if (!first.connected || !first.report.connection_failed) {
    co_return outcomes;
  }
  std::vector<std::size_t> open;
  std::vector<sp::recipient> again;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (is_open(outcomes[i], true)) {
      open.push_back(i);
      again.push_back(envelope.recipients[i]);
    }
  }
  if (open.empty() || std::chrono::steady_clock::now() >= give_up) {
    co_return outcomes;
  }
  log_repeat(store, envelope, outcomes[open.front()].error(), open.size());
  envelope.recipients = std::move(again);
  attempt second = co_await try_once(from, std::move(envelope), std::move(message), true, give_up);
  for (std::size_t i = 0; i < open.size(); ++i) {
    sp::outcome& so_far = outcomes[open[i]];
    sp::outcome& now = second.report.outcomes[i];
    // "Could not connect again" must not hide that the first attempt may have stored it.
    const bool was_unknown = so_far.error().kind == failure_kind::unknown_outcome;
    const bool told_nothing_new =
        now.has_error() && (!second.connected || second.report.connection_failed);
    if (!was_unknown || !told_nothing_new) {
      so_far = std::move(now);
    }
  }
  co_return outcomes;
}

std::shared_ptr<pool> store_client::pool_of(const store_address& store) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<pool>& p = pools_[store.name];
  if (!p) {
    p = std::make_shared<pool>(context_, store.name, settings_);
  }
  p->set_endpoints(store.endpoints);
  return p;
}

void store_client::close_idle() {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, p] : pools_) {
    p->close_idle();
  }
}

void store_client::shut_down() {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, p] : pools_) {
    p->shut_down();
  }
}

std::map<std::string, pool_figures> store_client::figures() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, pool_figures> all;
  for (const auto& [name, p] : pools_) {
    all.emplace(name, p->figures());
  }
  return all;
}

} // namespace homeward::store_client
