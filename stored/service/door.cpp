#include "stored/service/door.hpp"

#include <string_view>
#include <utility>

#include <boost/asio/use_awaitable.hpp>

#include "lib/base/log.hpp"
#include "lib/net/endpoint.hpp"
#include "lib/store_protocol/reply.hpp"

namespace homeward::stored {

namespace asio = boost::asio;

namespace {

// Holds the place among the sessions for as long as the session lasts.
asio::awaitable<void> serve(std::shared_ptr<connection> session, std::shared_ptr<void> place) {
  co_await connection::run(std::move(session));
  place.reset();
}

asio::awaitable<void> turn_away(net::stream stream, std::string reply) {
  [[maybe_unused]] const auto error =
      co_await stream.write_all(asio::buffer(reply), std::chrono::seconds(5));
}

} // namespace

door::door(net::io_threads& threads, connection_surroundings around, const live_settings& live)
    : threads_(threads), around_(around) {
  apply(live);
}

result<void> door::listen(const net::listener_settings& where) {
  const result<net::endpoint> at = net::parse_endpoint(where.address);
  if (!at) {
    return at.error();
  }
  result<net::listener> opened =
      net::listener::open(threads_.context(), *at, net::parse_mode(where.mode));
  if (!opened) {
    return opened.error();
  }
  listeners_.push_back(std::move(*opened));
  return {};
}

void door::open() {
  for (net::listener& l : listeners_) {
    log::notice("listening", {{"address", to_string(l.where())}});
    accepting_.spawn(threads_.make_strand(), "listener",
                     l.run([this](net::accepted newcomer) { let_in(std::move(newcomer)); },
                           [this]() -> asio::io_context& { return threads_.next_context(); }));
  }
}

void door::apply(const live_settings& live) {
  rules next{
      std::make_shared<const live_settings>(live),
      std::make_shared<const net::address_list>(net::address_list::parse(live.peers).value())};
  const std::lock_guard lock(mutex_);
  rules_ = std::move(next);
}

void door::close() {
  for (net::listener& l : listeners_) {
    l.close();
  }
}

door::rules door::current() const {
  const std::lock_guard lock(mutex_);
  return rules_;
}

result<std::shared_ptr<void>> door::admit(const peer& who, const rules& now) {
  if (who.is_unix) {
    return around_.sessions.enter("", now.live->sessions);
  }
  if (!now.peers->contains(who.address)) {
    failure f = transient_failure("this address may not connect", {},
                                  "Add it to peers in the settings of this store.");
    f.reason = failure_reason::denied;
    return f;
  }
  return around_.sessions.enter(who.address.to_string(), now.live->sessions);
}

void door::let_in(net::accepted newcomer) {
  const rules now = current();
  const asio::any_io_executor strand = newcomer.socket.get_executor();
  peer who{newcomer.peer, newcomer.address, newcomer.is_unix};
  net::stream stream(std::move(newcomer.socket), who.name);
  result<std::shared_ptr<void>> place = admit(who, now);
  if (!place) {
    log::warning("connection refused", {{"peer", who.name}, {"failure", place.error()}});
    std::string reply = write_reply(store_protocol::reply_for(place.error()), now.live->protocol);
    sessions_.spawn(strand, "refused session", turn_away(std::move(stream), std::move(reply)));
    return;
  }
  auto session = std::make_shared<connection>(std::move(stream), std::move(who), now.live, around_);
  const std::weak_ptr<connection> known = session;
  const auto call = [known](void (connection::*what)()) {
    return [known, what] {
      if (const auto c = known.lock()) {
        (*c.*what)();
      }
    };
  };
  sessions_.spawn(
      strand, "session", serve(std::move(session), std::move(*place)),
      {.ask_to_finish = call(&connection::ask_to_finish), .cut = call(&connection::cut)});
}

} // namespace homeward::stored
