#include "lmtp-bridge/delivery/agent.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "lib/base/log.hpp"

#include "lmtp-bridge/delivery/all_of.hpp"
#include "lmtp-bridge/delivery/on_worker.hpp"

namespace homeward::bridge::delivery {

namespace asio = boost::asio;
namespace sp = store_protocol;

namespace {

// How long the directory gets to learn of a move that a store has told us about.
constexpr std::chrono::milliseconds wait_for_directory{500};

std::uint64_t seconds_since_1970(wall_time t) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(t.time_since_epoch()).count());
}

store_client::store_address address_of(const directory::server& server) {
  store_client::store_address store;
  store.name = server.name;
  for (const std::string& text : server.endpoints) {
    if (result<net::endpoint> e = net::parse_endpoint(text)) {
      store.endpoints.push_back(std::move(*e));
    }
  }
  return store;
}

bool has_moved(const sp::outcome& o) {
  return o.has_error() && o.error().reason == failure_reason::moved;
}

} // namespace

// A message on its way, with the outcome and the place for each recipient so far.
struct agent::message_in_delivery {
  message_in_delivery(incoming m, const agent_parts& parts)
      : mail(std::move(m)), begun(parts.clock.steady_now()), give_up(begun + parts.whole_wait),
        outcomes(mail.envelope.recipients.size(), transient_failure("not tried")),
        places(mail.envelope.recipients.size()) {
    name.seconds = seconds_since_1970(parts.clock.wall_now());
    name.key = mail.key;
    name.origin = parts.origin;
  }

  incoming mail;
  sp::message_name name;
  steady_time begun;
  steady_time give_up;
  std::vector<sp::outcome> outcomes;
  std::vector<std::string> places;
};

agent::agent(agent_parts parts) : parts_(std::move(parts)) {}

mail::reply agent::reply_to(const failure& f) const {
  return mail::reply_for(f, parts_.current_replies());
}

asio::awaitable<std::vector<mail::reply>> agent::deliver(incoming mail) {
  message_in_delivery m(std::move(mail), parts_);
  const route_plan plan = parts_.current_router()->plan(m.mail.envelope.recipients);
  co_await deliver_planned(m, plan);
  if (std::any_of(m.outcomes.begin(), m.outcomes.end(), has_moved)) {
    co_await follow_the_moved(m);
  }
  log_outcomes(m);
  co_return replies_for(m);
}

std::vector<mail::reply> agent::replies_for(const message_in_delivery& m) const {
  std::vector<mail::reply> replies;
  replies.reserve(m.outcomes.size());
  for (std::size_t i = 0; i < m.outcomes.size(); ++i) {
    const sp::outcome& o = m.outcomes[i];
    if (o) {
      replies.push_back({mail::reply_250_stored, "stored as " + o->name + " on " + m.places[i]});
    } else {
      replies.push_back(reply_to(o.error()));
    }
  }
  return replies;
}

asio::awaitable<void> agent::deliver_planned(message_in_delivery& m, const route_plan& plan) {
  for (const auto& [index, why] : plan.refused) {
    m.outcomes[index] = why;
  }
  std::vector<asio::awaitable<void>> transactions;
  transactions.reserve(plan.groups.size());
  for (const route_group& group : plan.groups) {
    transactions.push_back(deliver_group(m, group));
  }
  if (!transactions.empty()) {
    co_await all_of(std::move(transactions));
  }
}

asio::awaitable<void> agent::deliver_group(message_in_delivery& m, const route_group& group) {
  sp::envelope envelope = envelope_for(m, group);
  std::vector<sp::outcome> outcomes;
  if (group.home.primary->kind == directory::partition_kind::path) {
    outcomes = co_await on_worker(parts_.workers, [&] {
      return parts_.paths.deliver(*group.home.primary, envelope, *m.mail.message);
    });
  } else {
    store_client::store_address store = address_of(*group.home.primary_server);
    outcomes = co_await parts_.stores.deliver(std::move(store), std::move(envelope), m.mail.message,
                                              m.give_up);
  }
  for (std::size_t i = 0; i < group.recipients.size(); ++i) {
    m.outcomes[group.recipients[i].index] = std::move(outcomes[i]);
    m.places[group.recipients[i].index] = group.place();
  }
}

// A store said that it gave mailboxes away: the directory knows the new home, or will in a moment.
asio::awaitable<void> agent::follow_the_moved(message_in_delivery& m) {
  parts_.refresh_directory();
  asio::steady_timer timer(co_await asio::this_coro::executor, wait_for_directory);
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  const route_plan plan = plan_for_the_moved(m);
  co_await deliver_planned(m, plan);
}

route_plan agent::plan_for_the_moved(const message_in_delivery& m) const {
  std::vector<lmtp::recipient> moved;
  std::vector<std::size_t> where; // indices of the moved in the message
  for (std::size_t i = 0; i < m.outcomes.size(); ++i) {
    if (has_moved(m.outcomes[i])) {
      moved.push_back(m.mail.envelope.recipients[i]);
      where.push_back(i);
    }
  }
  route_plan plan = parts_.current_router()->plan(moved);
  for (auto& [index, why] : plan.refused) {
    index = where[index];
  }
  for (route_group& group : plan.groups) {
    for (routed_recipient& r : group.recipients) {
      r.index = where[r.index];
    }
  }
  // Where the directory has not changed its mind, asking the same store again is pointless.
  std::erase_if(plan.groups, [&](const route_group& group) {
    return m.places[group.recipients.front().index] == group.place();
  });
  return plan;
}

sp::envelope agent::envelope_for(const message_in_delivery& m, const route_group& group) const {
  sp::envelope e;
  e.size.octets = m.mail.message->size();
  e.name = m.name;
  e.partition = group.home.primary->id.directory;
  const mail::reverse_path& sender = m.mail.envelope.sender;
  e.sender = sender.is_null() ? std::string() : to_string(sender.sender());
  e.has_sender = true;
  e.recipients.reserve(group.recipients.size());
  for (const routed_recipient& r : group.recipients) {
    e.recipients.push_back(sp::recipient{.mailbox = r.mailbox,
                                         .original = r.original == r.mailbox ? "" : r.original,
                                         .epoch = r.epoch,
                                         .quota_limit = r.quota});
  }
  return e;
}

void agent::log_outcomes(const message_in_delivery& m) const {
  const auto took =
      std::chrono::duration_cast<std::chrono::milliseconds>(parts_.clock.steady_now() - m.begun);
  const lmtp::envelope& e = m.mail.envelope;
  for (std::size_t i = 0; i < m.outcomes.size(); ++i) {
    const sp::outcome& o = m.outcomes[i];
    if (o) {
      log::info("delivered", {{"to", e.recipients[i].path},
                              {"mailbox", e.recipients[i].mailbox},
                              {"from", e.sender.text()},
                              {"queue_id", e.forwarded.ident},
                              {"size", m.mail.message->size()},
                              {"store", m.places[i]},
                              {"name", o->name},
                              {"repeat", o->repeat ? "yes" : "no"},
                              {"ms", took.count()}});
      continue;
    }
    log::warning("not delivered", {{"to", e.recipients[i].path},
                                   {"from", e.sender.text()},
                                   {"queue_id", e.forwarded.ident},
                                   {"store", m.places[i]},
                                   {"name", to_string(m.name)},
                                   {"why", o.error()},
                                   {"ms", took.count()}});
  }
}

} // namespace homeward::bridge::delivery
