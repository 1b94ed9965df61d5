#include "milter/answering/answering_door.hpp"

#include <utility>

#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "lib/base/log.hpp"
#include "lib/net/endpoint.hpp"

#include "milter/answering/connection.hpp"
#include "milter/delegation/session.hpp"
#include "milter/lookup/session.hpp"

namespace homeward::milter::answering {

namespace asio = boost::asio;

namespace {

// Holds the place among the connections for as long as the connection lasts.
asio::awaitable<void> serve(std::shared_ptr<connection> c, std::shared_ptr<void> place) {
  co_await connection::run(std::move(c));
  place.reset();
}

} // namespace

answering_door::answering_door(door_parts parts, std::string name, settings s,
                               std::function<std::unique_ptr<conversation>()> converse)
    : parts_(std::move(parts)), name_(std::move(name)), settings_(std::move(s)),
      converse_(std::move(converse)) {}

result<void> answering_door::open() {
  for (const net::listener_settings& l : settings_.listen) {
    const result<net::endpoint> at = net::parse_endpoint(l.address);
    if (!at) {
      return at.error();
    }
    result<net::listener> opened =
        net::listener::open(parts_.threads.context(), *at, net::parse_mode(l.mode));
    if (!opened) {
      return opened.error();
    }
    listeners_.push_back(std::move(*opened));
  }
  return {};
}

void answering_door::start() {
  for (net::listener& l : listeners_) {
    parts_.background.spawn(
        parts_.threads.make_strand(), "listener",
        l.run([this](net::accepted newcomer) { let_in(std::move(newcomer)); },
              [this]() -> asio::io_context& { return parts_.threads.next_context(); }));
  }
}

void answering_door::stop_accepting() {
  for (net::listener& l : listeners_) {
    l.close();
  }
}

std::string answering_door::description() const {
  std::string where;
  for (const net::listener& l : listeners_) {
    where += (where.empty() ? "" : ", ") + to_string(l.where());
  }
  return fmt::format("{} on {}", name_, where);
}

std::shared_ptr<void> answering_door::take_place() {
  if (++connections_ > settings_.connections) {
    --connections_;
    return nullptr;
  }
  return {this, [this](void*) {
            --connections_;
            full_noted_ = false;
          }};
}

void answering_door::let_in(net::accepted newcomer) {
  std::shared_ptr<void> place = take_place();
  if (!place) {
    if (!full_noted_.exchange(true)) {
      log::warning("too many connections: new ones are closed",
                   {{"door", name_},
                    {"limit", settings_.connections},
                    {"next", "if this lasts, raise policy.connections or lookup.connections"}});
    }
    return;
  }
  const asio::any_io_executor strand = newcomer.socket.get_executor();
  auto c = std::make_shared<connection>(
      net::stream(std::move(newcomer.socket), std::move(newcomer.peer)), converse_(), name_,
      settings_.idle);
  const std::weak_ptr<connection> known = c;
  const auto call = [known](void (connection::*what)()) {
    return [known, what] {
      if (const auto alive = known.lock()) {
        (*alive.*what)();
      }
    };
  };
  parts_.sessions.spawn(
      strand, "conversation", serve(std::move(c), std::move(place)),
      {.ask_to_finish = call(&connection::ask_to_finish), .cut = call(&connection::cut)});
}

std::unique_ptr<door> make_policy_door(const door_parts& parts, const policy_settings& s) {
  const auto counted = std::make_shared<delegation::counted_messages>();
  const auto judge = std::make_shared<const delegation::judgement>(
      delegation::judgement_parts{parts.known, parts.rate, parts.rules_now, *counted});
  return std::make_unique<answering_door>(parts, "policy server", s.door, [counted, judge] {
    return std::make_unique<delegation::session>(judge);
  });
}

std::unique_ptr<door> make_lookup_door(const door_parts& parts, const lookup_settings& s) {
  const auto maps = std::make_shared<const lookup::maps>(
      lookup::sources{parts.known, parts.address_rules_now, parts.directory_now, s.transport});
  return std::make_unique<answering_door>(
      parts, "look-up server", s.door, [maps] { return std::make_unique<lookup::session>(maps); });
}

} // namespace homeward::milter::answering
