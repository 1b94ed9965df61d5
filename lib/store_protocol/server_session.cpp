#include "lib/store_protocol/server_session.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "lib/store_protocol/command.hpp"

namespace homeward::store_protocol {
namespace {

// "<ann@example.org> words": how every result of RESULTS begins. The mailbox holds no control
// character, and must come back as it was sent, so it is not escaped.
std::string about(const recipient& who, std::string_view words) {
  return fmt::format("<{}> {}", who.mailbox, words);
}

std::string counted(std::size_t n, std::string_view what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

reply stored_reply(const stored_as& stored, std::string text) {
  reply r;
  r.ok = true;
  r.code = "STORED";
  r.pairs.emplace_back("name", stored.name);
  if (stored.repeat) {
    r.pairs.emplace_back("repeat", "yes");
  }
  r.text = std::move(text);
  return r;
}

} // namespace

std::string_view to_string(close_reason why) {
  switch (why) {
  case close_reason::quit: return "quit";
  case close_reason::peer_closed: return "peer closed";
  case close_reason::timed_out: return "timed out";
  case close_reason::shutting_down: return "shutting down";
  case close_reason::too_many_errors: return "too many errors";
  case close_reason::unbelievable: return "unbelievable size";
  case close_reason::broken: return "broken";
  }
  return "?";
}

std::vector<mailbox_usage> server_policy::full_mailboxes(std::size_t /*most*/) {
  return {};
}

server_session::server_session(const limits& l, std::string software, server_policy& policy)
    : limits_(l), software_(std::move(software)), policy_(&policy), lines_(l.line, l.skipped) {}

std::size_t server_session::receive(std::string_view octets) {
  std::size_t consumed = 0;
  told_much_ = false;
  while (consumed < octets.size() && state_ != server_state::storing && !closed() && !told_much_) {
    const std::string_view rest = octets.substr(consumed);
    consumed += state_ == server_state::receiving ? receive_body(rest) : receive_line(rest);
  }
  return consumed;
}

void server_session::on(server_event event) {
  if (!closed()) {
    std::visit([this]<class Event>(Event&& e) { on_event(std::forward<Event>(e)); },
               std::move(event));
  }
}

std::optional<server_action> server_session::next_action() {
  if (actions_.empty()) {
    return std::nullopt;
  }
  server_action action = std::move(actions_.front());
  actions_.pop_front();
  return action;
}

server_waits_for server_session::waits_for() const {
  switch (state_) {
  case server_state::ready: return server_waits_for::first_command;
  case server_state::receiving: return server_waits_for::body;
  case server_state::storing: return server_waits_for::delivery;
  case server_state::closed: return server_waits_for::nothing;
  default: return server_waits_for::next_command;
  }
}

std::uint64_t server_session::body_remaining() const {
  return state_ == server_state::receiving && body_wanted_ ? body_left_ : 0;
}

std::size_t server_session::receive_line(std::string_view octets) {
  const line_found found = lines_.next(octets);
  switch (found.what) {
  case line_found::kind::need_more: break;
  case line_found::kind::line: dispatch(found.text, false); break;
  case line_found::kind::too_long: dispatch(found.text, true); break;
  case line_found::kind::endless:
    say_refusal(syntax_failure("the line does not end; closing"));
    close(close_reason::unbelievable);
    break;
  }
  return found.consumed;
}

std::size_t server_session::receive_body(std::string_view octets) {
  const std::string_view piece =
      octets.substr(0, std::min<std::uint64_t>(octets.size(), body_left_));
  if (body_wanted_) {
    actions_.emplace_back(action_body{piece});
  }
  count_body(piece.size());
  return piece.size();
}

// ---- events ----

void server_session::on_event(event_delivery_finished&& finished) {
  if (state_ != server_state::storing) {
    return;
  }
  load_ = std::move(finished.load);
  // A driver that forgot a recipient must not leave the sender without an answer.
  finished.outcomes.resize(transaction_.message.recipients.size(),
                           outcome(transient_failure("no outcome is known; try again")));
  body_held_ = false;
  if (quitting_ || !enabled_.results) {
    tell_one_result(finished.outcomes);
  } else {
    tell_results(finished.outcomes);
  }
  if (quitting_) {
    close(close_reason::quit);
  } else {
    end_transaction();
  }
}

void server_session::on_event(event_body_received&& received) {
  if (received.octets <= body_remaining() && received.octets != 0) {
    count_body(received.octets);
  }
}

void server_session::on_event(event_body_failed&& failed) {
  if (!body_held_ || state_ == server_state::storing) {
    return;
  }
  abandon_body();
  refuse_transaction(failed.why);
}

void server_session::on_event(event_timed_out&& /*timed_out*/) {
  if (state_ == server_state::storing) {
    const failure late = transient_failure("the store did not finish in time; try again");
    const std::vector<outcome> outcomes(transaction_.message.recipients.size(), outcome(late));
    body_held_ = false;
    if (quitting_ || !enabled_.results) {
      tell_one_result(outcomes);
    } else {
      tell_results(outcomes);
    }
  }
  close(close_reason::timed_out);
}

void server_session::on_event(event_peer_closed&& /*closed*/) {
  close(close_reason::peer_closed);
}

void server_session::on_event(event_shutting_down&& /*stopping*/) {
  stopping_ = true;
  if (state_ == server_state::ready) {
    close(close_reason::shutting_down);
  }
}

// ---- the message ----

void server_session::begin_body() {
  transaction_.data_first = transaction_.data_first || !transaction_.envelope_begun;
  body_left_ = transaction_.message.size.octets;
  body_wanted_ = !transaction_.refused;
  if (body_wanted_) {
    body_held_ = true;
    actions_.emplace_back(action_begin_body{transaction_.message.size, transaction_.message});
  }
  state_ = server_state::receiving;
  if (body_left_ == 0) {
    finish_body();
  }
}

void server_session::count_body(std::uint64_t octets) {
  body_left_ -= octets;
  if (body_left_ == 0) {
    finish_body();
  }
}

void server_session::finish_body() {
  if (transaction_.refused) {
    tell_refused_data();
  } else if (!transaction_.data_first) {
    deliver(false);
  } else {
    state_ = server_state::pending;
    reply r;
    r.ok = true;
    r.code = "PENDING";
    r.text = "continue with FROM, RCPT and QUIT";
    say(std::move(r));
  }
}

void server_session::deliver(bool by_quit) {
  quitting_ = by_quit;
  state_ = server_state::storing;
  actions_.emplace_back(action_deliver{transaction_.message});
}

void server_session::tell_results(const std::vector<outcome>& outcomes) {
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const recipient& who = transaction_.message.recipients[i];
    reply r;
    if (outcomes[i]) {
      r = stored_reply(*outcomes[i], about(who, "stored"));
    } else {
      r = reply_for(outcomes[i].error());
      r.text = about(who, r.text);
    }
    if (enabled_.load && i + 1 == outcomes.size()) {
      add_load(r, load_);
    }
    say(std::move(r));
  }
}

// One text, so that a listing is one write.
void server_session::tell_usage(const std::vector<mailbox_usage>& all) {
  say(usage_head(all.size()));
  for (const mailbox_usage& u : all) {
    say(usage_reply(u));
  }
  told_much_ = true;
}

// One reply for all. A permanent code would make the sender give up those who are safe or may still
// become safe; so it is used only when it is true of every recipient.
void server_session::tell_one_result(const std::vector<outcome>& outcomes) {
  const auto failed = [](const outcome& o) { return o.has_error(); };
  const auto permanent = [](const outcome& o) {
    return o.has_error() && failure_from(reply_for(o.error()), {}).kind == failure_kind::permanent;
  };
  const auto first = std::find_if(outcomes.begin(), outcomes.end(), failed);
  reply r;
  if (first == outcomes.end()) {
    r = stored_reply(*outcomes.front(),
                     fmt::format("stored for {}", counted(outcomes.size(), "recipient")));
  } else {
    const auto passing = std::find_if(outcomes.begin(), outcomes.end(),
                                      [&](const outcome& o) { return failed(o) && !permanent(o); });
    r = reply_for(passing != outcomes.end() ? passing->error() : first->error());
    if (passing == outcomes.end() && !std::all_of(outcomes.begin(), outcomes.end(), failed)) {
      r.code = std::string(code_of(failure_reason::temp));
    }
    const auto count = std::count_if(outcomes.begin(), outcomes.end(), failed);
    r.text =
        fmt::format("{} of {} failed: {}", count, counted(outcomes.size(), "recipient"), r.text);
  }
  if (enabled_.load) {
    add_load(r, load_);
  }
  say(std::move(r));
}

// The reply to a DATA whose octets were swallowed: as many as there would have been results.
void server_session::tell_refused_data() {
  const failure why = transaction_.refused.value_or(transient_failure("refused"));
  const auto& recipients = transaction_.message.recipients;
  if (enabled_.results && !recipients.empty()) {
    tell_results(std::vector<outcome>(recipients.size(), outcome(why)));
  } else {
    reply r = reply_for(why);
    if (enabled_.load) {
      add_load(r, load_);
    }
    say(std::move(r));
  }
  const bool data_first = transaction_.data_first;
  end_transaction();
  if (data_first) {
    owed_to_quit_ = why;
  }
}

void server_session::end_transaction() {
  abandon_body();
  transaction_ = transaction{};
  body_left_ = 0;
  quitting_ = false;
  owed_to_quit_.reset();
  state_ = server_state::ready;
  if (stopping_) {
    close(close_reason::shutting_down);
  }
}

// ---- saying and closing ----

void server_session::say(reply r) {
  std::string line = write_reply(std::move(r), limits_);
  if (!actions_.empty()) {
    if (auto* last = std::get_if<action_send>(&actions_.back())) {
      last->text += line;
      return;
    }
  }
  actions_.emplace_back(action_send{std::move(line)});
}

void server_session::say_ok(std::string text) {
  reply r;
  r.ok = true;
  r.text = std::move(text);
  say(std::move(r));
}

void server_session::say_refusal(const failure& why) {
  say(reply_for(why));
}

bool server_session::count_error() {
  return ++errors_ >= limits_.errors;
}

void server_session::refuse_transaction(const failure& why) {
  if (!transaction_.refused) {
    transaction_.refused = why;
  }
  abandon_body();
}

void server_session::abandon_body() {
  if (body_held_) {
    actions_.emplace_back(action_discard_body{});
  }
  body_held_ = false;
  body_wanted_ = false;
}

void server_session::close(close_reason why) {
  if (closed()) {
    return;
  }
  if (state_ != server_state::storing) {
    abandon_body();
  }
  state_ = server_state::closed;
  actions_.emplace_back(action_close{why});
}

} // namespace homeward::store_protocol
