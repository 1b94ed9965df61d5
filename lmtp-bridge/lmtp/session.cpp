#include "lmtp-bridge/lmtp/session.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace homeward::lmtp {
namespace {

// When so much is queued the driver has to work before more is taken; this bounds memory.
constexpr std::size_t most_queued_actions = 64;
constexpr std::size_t most_queued_octets = std::size_t{64} << 10U;

constexpr std::size_t longest_verb = 32; // how much of an unknown one is repeated to the peer

bool has_controls(std::string_view line) {
  return std::any_of(line.begin(), line.end(),
                     [](char c) { return static_cast<std::uint8_t>(c) < 0x20 || c == 0x7F; });
}

std::string_view without_spaces_at_end(std::string_view line) {
  return line.substr(0, line.find_last_not_of(' ') + 1);
}

mail::reply wrong_state(state s) {
  switch (s) {
  case state::connected: return {mail::reply_503_bad_sequence, "say LHLO first"};
  case state::ready: return {mail::reply_503_bad_sequence, "say MAIL first"};
  default: return {mail::reply_503_bad_sequence, "a transaction is open; RSET ends it"};
  }
}

bool is_outcome(mail::reply_code code) {
  return code.has_enhanced() && !code.ends_connection() &&
         (code.is_success() || code.is_transient() || code.is_permanent());
}

} // namespace

session::session(session_settings settings, const recipient_policy& policy)
    : conversation_{.settings = std::move(settings), .policy = &policy} {}

void session::start() {
  reply({mail::reply_220_greeting, conversation_.settings.hostname + " LMTP Homeward"});
  flush();
}

void session::turn_away(std::string_view why) {
  say_and_close({mail::reply_421_too_busy, std::string(why)}, close_reason::turned_away);
}

std::optional<action> session::next_action() {
  if (performed_ == actions_.size()) {
    actions_.clear();
    performed_ = 0;
    return std::nullopt;
  }
  return std::move(actions_[performed_++]);
}

patience session::deadline() const {
  return deadline_for(conversation_.where, conversation_.settings.bounds);
}

bool session::wants_input() const {
  return conversation_.where != state::delivering && conversation_.where != state::closed;
}

bool session::should_answer_slowly() const {
  return errors_ >= conversation_.settings.bounds.errors_until_slow;
}

std::size_t session::receive(std::string_view octets) {
  std::size_t taken = 0;
  while (taken < octets.size() && wants_input() && actions_.size() < most_queued_actions &&
         replies_.size() < most_queued_octets) {
    const std::string_view rest = octets.substr(taken);
    taken += conversation_.where == state::message ? receive_message(rest) : receive_command(rest);
  }
  flush();
  return taken;
}

// ---- Commands ----

std::size_t session::receive_command(std::string_view octets) {
  const void* const found = std::memchr(octets.data(), '\n', octets.size());
  const std::size_t length =
      found == nullptr ? octets.size()
                       : static_cast<std::size_t>(static_cast<const char*>(found) - octets.data());
  const std::string_view piece = octets.substr(0, length);
  if (line_too_long_ || line_.size() + piece.size() >= conversation_.settings.bounds.command_line) {
    line_too_long_ = true;
    line_.clear();
  } else if (found == nullptr || !line_.empty()) {
    line_ += piece;
  }
  if (found == nullptr) {
    return length;
  }
  if (std::exchange(line_too_long_, false)) {
    refuse({mail::reply_500_bad_line, "the line is too long"}, true);
  } else {
    const std::string line = std::exchange(line_, {});
    handle_line(line.empty() ? piece : std::string_view(line));
  }
  return length + 1;
}

// `line` is everything before the LF.
void session::handle_line(std::string_view line) {
  if (!line.ends_with('\r')) {
    // Never carried out: a message whose line ends differ between two servers could smuggle
    // commands.
    refuse({mail::reply_500_bad_line, "a line must end in CR LF"}, true);
    return;
  }
  line = without_spaces_at_end(line.substr(0, line.size() - 1));
  if (has_controls(line)) {
    refuse({mail::reply_500_bad_line, "control characters are not allowed in a command"}, true);
    return;
  }
  const std::string_view verb = line.substr(0, line.find(' '));
  const command* const c = find_command(verb);
  if (c == nullptr) {
    refuse({mail::reply_500_unknown_command,
            fmt::format("unknown command {}", verb.substr(0, longest_verb))},
           true);
    return;
  }
  carry_out(*c, line.substr(std::min(line.find_first_not_of(' ', verb.size()), line.size())));
}

void session::carry_out(const command& c, std::string_view argument) {
  if (c.kind == command::use::intruder) {
    say_and_close({mail::reply_421_too_many_errors, "this is LMTP, not HTTP"},
                  close_reason::too_many_errors);
    return;
  }
  const bool idle = c.kind == command::use::idle;
  if (idle && ++idle_commands_ > conversation_.settings.bounds.idle_commands) {
    say_and_close({mail::reply_421_too_many_errors, "too many commands that lead nowhere"},
                  close_reason::too_many_errors);
    return;
  }
  const state before = conversation_.where;
  understood parsed;
  refusal refused = (c.allowed & in(before)) == 0 ? refusal(wrong_state(before))
                                                  : c.check(conversation_, argument, parsed);
  if (refused) {
    refuse(*refused, is_error(c, before, refused->code));
    sender_refused_ = sender_refused_ || (c.check == check_mail && before == state::ready);
    return;
  }
  reply(c.apply(conversation_, parsed));
  sender_refused_ = false;
  if (conversation_.where == state::message) {
    begin_body();
  } else if (conversation_.where == state::closed) {
    close_with(close_reason::quit);
  }
}

// Pipelined RCPT and DATA behind a refused MAIL, and DATA behind refused RCPTs, are no errors: the
// peer could not know.
bool session::is_error(const command& c, state before, mail::reply_code code) const {
  const bool could_know =
      c.kind != command::use::follower || code != mail::reply_503_bad_sequence ||
      (before == state::ready && !sender_refused_) || before == state::connected;
  return code.is_protocol_error() && could_know;
}

void session::refuse(const mail::reply& r, bool is_error) {
  reply(r);
  if (is_error && ++errors_ >= conversation_.settings.bounds.errors) {
    say_and_close({mail::reply_421_too_many_errors, "too many errors"},
                  close_reason::too_many_errors);
  }
}

// ---- The message ----

void session::begin_body() {
  dots_ = mail::dot_reader{};
  message_octets_ = 0;
  message_too_big_ = false;
  actions_.emplace_back(begin_message{std::move(conversation_.current.about)});
}

std::size_t session::receive_message(std::string_view octets) {
  const mail::dot_reader::step step = dots_.read(octets);
  if (!step.body.empty()) {
    take_body(step.body);
  }
  if (step.finished && conversation_.where == state::message) {
    message_ended();
  }
  return step.consumed;
}

void session::take_body(std::string_view piece) {
  const limits& bounds = conversation_.settings.bounds;
  message_octets_ += piece.size();
  if (message_octets_ <= bounds.message_size.octets) {
    actions_.emplace_back(body_chunk{piece});
    return;
  }
  if (!std::exchange(message_too_big_, true)) {
    actions_.emplace_back(discard{discard_reason::too_big});
  }
  if (message_octets_ > bounds.message_size.octets + bounds.surplus.octets) {
    say_and_close({mail::reply_421_too_much_data, "the message is far over the size limit"},
                  close_reason::too_much_data);
  }
}

void session::message_ended() {
  if (message_too_big_) {
    const mail::reply too_big{mail::reply_552_message_too_big,
                              fmt::format("the message is over the limit of {} octets",
                                          conversation_.settings.bounds.message_size.octets)};
    finish_transaction(std::vector<mail::reply>(conversation_.current.deliveries, too_big));
    return;
  }
  // Everything answered so far goes out before the wait.
  flush();
  actions_.emplace_back(end_message{conversation_.transactions});
  conversation_.where = state::delivering;
}

void session::finish_transaction(const std::vector<mail::reply>& outcomes) {
  const mail::reply no_outcome{mail::reply_451_temporary_fault,
                               "internal fault: no result for this recipient; try again later"};
  for (const accepted_command& rcpt : conversation_.current.accepted) {
    const bool known =
        rcpt.recipient < outcomes.size() && is_outcome(outcomes[rcpt.recipient].code);
    const mail::reply& outcome = known ? outcomes[rcpt.recipient] : no_outcome;
    if (outcome.code.is_success()) {
      errors_ = 0;
      idle_commands_ = 0;
    }
    reply({outcome.code, fmt::format("<{}> {}", rcpt.path, outcome.text)});
  }
  conversation_.reset();
  conversation_.where = state::ready;
  if (stopping_) {
    handle(shutting_down{});
  } else if (peer_is_gone_) {
    close_with(close_reason::peer_closed);
  }
}

void session::abandon_message() {
  if (conversation_.where == state::message && !message_too_big_) {
    actions_.emplace_back(discard{discard_reason::interrupted});
  }
}

// ---- Events ----

void session::on(const event& e) {
  if (conversation_.where == state::closed) {
    return;
  }
  std::visit([this](const auto& one) { handle(one); }, e);
  flush();
}

void session::handle(const delivery_finished& e) {
  if (conversation_.where == state::delivering && e.transaction == conversation_.transactions) {
    finish_transaction(e.outcomes);
  }
}

void session::handle(const timed_out& /*e*/) {
  if (conversation_.where == state::delivering) {
    const mail::reply unknown{mail::reply_451_unknown_outcome,
                              "no result in time; the message may or may not be stored, "
                              "a duplicate is possible"};
    finish_transaction(std::vector<mail::reply>(conversation_.current.deliveries, unknown));
    return;
  }
  abandon_message();
  say_and_close({mail::reply_421_timed_out, "timed out"}, close_reason::timed_out);
}

void session::handle(const peer_closed& /*e*/) {
  if (conversation_.where == state::delivering) {
    // It may only have closed its sending side: it still gets its replies.
    peer_is_gone_ = true;
    return;
  }
  abandon_message();
  close_with(close_reason::peer_closed);
}

void session::handle(const shutting_down& /*e*/) {
  if (conversation_.where == state::message || conversation_.where == state::delivering) {
    stopping_ = true;
    return;
  }
  say_and_close({mail::reply_421_shutting_down, "this server stops; try again later"},
                close_reason::shutting_down);
}

// ---- Output ----

void session::flush() {
  if (!replies_.empty()) {
    actions_.emplace_back(send{std::exchange(replies_, {})});
  }
}

void session::close_with(close_reason reason) {
  flush();
  conversation_.where = state::closed;
  actions_.emplace_back(close{reason});
}

void session::say_and_close(const mail::reply& r, close_reason reason) {
  reply(r);
  close_with(reason);
}

} // namespace homeward::lmtp
