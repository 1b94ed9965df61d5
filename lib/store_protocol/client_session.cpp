// The sending half of the client session: what is written when, and how a transaction ends.
// client_replies.cpp has the other half: what is made of each reply.

#include "lib/store_protocol/client_session.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "lib/base/escape.hpp"
#include "lib/store_protocol/command.hpp"

namespace homeward::store_protocol {

client_session::client_session(const limits& l) : limits_(l), lines_(l.line, l.line) {}

void client_session::open(bool base) {
  if (state_ != client_state::fresh) {
    throw std::logic_error("client_session::open() on a connection that is not fresh");
  }
  if (base) {
    state_ = client_state::ready;
    actions_.emplace_back(action_opened{features_});
  } else {
    state_ = client_state::opening;
    send("CAPA RESULTS PARAMS LOAD\r\n");
  }
}

void client_session::start(envelope message) {
  require_ready("start");
  if (message.recipients.empty()) {
    throw std::logic_error("client_session::start() without a recipient");
  }
  transaction_ = transaction{};
  transaction_.message = std::move(message);
  transaction_.outcomes.resize(transaction_.message.recipients.size());
  load_.reset();
  active_ = true;
  if (!build_plan()) {
    finish();
    return;
  }
  state_ = client_state::envelope;
  send_more();
}

void client_session::probe() {
  require_ready("probe");
  if (!features_.noop) {
    actions_.emplace_back(action_probed{});
    return;
  }
  load_.reset();
  state_ = client_state::probing;
  send("NOOP\r\n");
}

void client_session::list_full() {
  require_ready("list_full");
  usages_.clear();
  usages_to_come_.reset();
  if (!features_.full) {
    actions_.emplace_back(action_listed{});
    return;
  }
  state_ = client_state::listing;
  send("FULL\r\n");
}

void client_session::quit() {
  require_ready("quit");
  send("QUIT\r\n");
  close(close_reason::quit);
}

void client_session::on(client_event event) {
  if (!closed()) {
    std::visit([this]<class Event>(Event&& e) { on_event(std::forward<Event>(e)); },
               std::move(event));
  }
}

std::optional<client_action> client_session::next_action() {
  if (actions_.empty()) {
    return std::nullopt;
  }
  client_action action = std::move(actions_.front());
  actions_.pop_front();
  return action;
}

client_waits_for client_session::waits_for() const {
  switch (state_) {
  case client_state::fresh:
  case client_state::ready: return client_waits_for::work;
  case client_state::opening:
  case client_state::envelope:
  case client_state::resetting:
  case client_state::probing:
  case client_state::listing: return client_waits_for::reply;
  case client_state::body: return client_waits_for::writing;
  case client_state::results: return client_waits_for::results;
  case client_state::closed: return client_waits_for::nothing;
  }
  return client_waits_for::nothing;
}

void client_session::on_event(event_body_sent&& /*sent*/) {
  if (state_ == client_state::body) {
    state_ = client_state::results;
  }
}

void client_session::on_event(event_connection_lost&& lost) {
  give_up(std::move(lost.why), close_reason::peer_closed);
}

void client_session::on_event(event_timed_out&& /*timed_out*/) {
  give_up(transient_failure("the store did not answer in time", {},
                            "Look at the load and the disks of that store."),
          close_reason::timed_out);
}

// Writes the commands of the transaction down. False when nothing is to be sent at all; then every
// recipient has its outcome.
bool client_session::build_plan() {
  transaction& t = transaction_;
  const auto refuse_all = [&](const failure& why) {
    t.refused = why;
    settle(why);
    return false;
  };
  if (features_.size && t.message.size > *features_.size) {
    return refuse_all(permanent_failure(
        failure_reason::too_big,
        fmt::format("the message is over the store's limit of {} octets", features_.size->octets)));
  }
  const auto name = encode_name(t.message.name, limits_);
  const auto partition = encode_partition(t.message.partition, limits_);
  const auto sender = encode_sender(t.message.sender, limits_);
  for (const auto* line : {&name, &partition, &sender}) {
    if (!*line) {
      return refuse_all(line->error());
    }
  }
  t.plan.push_back({step::kind::size, 0, encode_size(t.message.size)});
  t.plan.push_back({step::kind::name, 0, *name});
  t.plan.push_back({step::kind::prtn, 0, *partition});
  t.plan.push_back({step::kind::from, 0, *sender});
  for (std::size_t i = 0; i < t.message.recipients.size(); ++i) {
    auto line = encode_recipient(t.message.recipients[i], features_.params, limits_);
    if (line) {
      t.plan.push_back({step::kind::rcpt, i, std::move(*line)});
    } else {
      t.outcomes[i] = outcome(line.error());
    }
  }
  if (t.plan.back().what != step::kind::rcpt) {
    return false;
  }
  t.plan.push_back({step::kind::data, 0, "DATA\r\n"});
  t.eager = features_.pipelining && t.plan.size() <= limits_.window &&
            t.message.size <= limits_.eager_body;
  return true;
}

// The next group of commands, when everything sent was answered.
void client_session::send_more() {
  transaction& t = transaction_;
  const std::size_t data = t.plan.size() - 1;
  const std::size_t window = features_.pipelining ? std::max<std::size_t>(limits_.window, 1) : 1;
  const bool with_data = t.eager || t.sent == data;
  std::string text;
  for (std::size_t n = 0; n < window && t.sent < data; ++n) {
    text += t.plan[t.sent++].text;
  }
  if (!with_data) {
    send(std::move(text));
    return;
  }
  text += t.plan[t.sent++].text;
  t.data_sent = true;
  state_ = client_state::body;
  send(std::move(text));
  actions_.emplace_back(action_send_body{});
}

// The store will not take this message, and DATA was not sent: take back what it knows of it.
void client_session::give_up_envelope() {
  settle(transaction_.refused.value_or(transient_failure("no recipient was accepted")));
  if (features_.rset) {
    state_ = client_state::resetting;
    send("RSET\r\n");
  } else {
    features_.many = false;
    finish();
  }
}

// Gives every recipient without an outcome the one that is true when nothing more will be heard.
void client_session::settle(const failure& why) {
  transaction& t = transaction_;
  failure rest = why;
  if (t.refused) {
    rest = *t.refused;
  } else if (t.data_sent) {
    rest = unknown_outcome(why.what + "; the message may have been stored", why.cause);
    rest.advice = why.advice;
  }
  for (auto& o : t.outcomes) {
    if (!o) {
      o = outcome(rest);
    }
  }
}

// Every recipient has an outcome: tell them, and make the connection ready again or end it.
void client_session::finish() {
  action_finished finished;
  finished.load = load_;
  for (auto& o : transaction_.outcomes) {
    finished.outcomes.push_back(std::move(*o));
  }
  transaction_ = transaction{};
  active_ = false;
  const bool leave = !closed() && !features_.many && state_ != client_state::ready;
  if (leave) {
    send("QUIT\r\n");
  }
  actions_.emplace_back(std::move(finished));
  if (leave) {
    close(close_reason::quit);
  } else if (!closed()) {
    state_ = client_state::ready;
  }
}

void client_session::send(std::string text) {
  actions_.emplace_back(action_send{std::move(text)});
}

// Refusals read before may have been answers to something else: only a success, which names message
// and mailbox, is kept.
void client_session::broken(std::string_view what, std::string_view line) {
  transaction_.refused.reset();
  for (auto& o : transaction_.outcomes) {
    if (o && o->has_error()) {
      o.reset();
    }
  }
  give_up(transient_failure("the store's answers make no sense",
                            fmt::format("{}: {}", what, escape(line)),
                            "The connection was dropped. Look at the store's version and log."),
          close_reason::broken);
}

void client_session::give_up(failure why, close_reason reason) {
  why.kind = failure_kind::transient;
  const bool active = active_;
  if (active) {
    settle(why);
  }
  trouble_ = std::move(why);
  state_ = client_state::closed;
  if (active) {
    finish();
  }
  actions_.emplace_back(action_close{reason});
}

void client_session::close(close_reason reason) {
  state_ = client_state::closed;
  actions_.emplace_back(action_close{reason});
}

void client_session::require_ready(const char* what) const {
  if (!ready()) {
    throw std::logic_error(fmt::format("client_session::{}() when not ready", what));
  }
}

} // namespace homeward::store_protocol
