#pragma once
// One LMTP connection as a pure state machine (RFC 2033): octets and events in, actions out. It
// knows no socket, no clock and no thread; the driver owns it and calls it from one strand.
//
//   session.start();
//   for (;;) {
//     while (auto a = session.next_action()) { perform(*a); }
//     ... read, or wait for the delivery; then session.receive(octets) or session.on(event)
//   }
//
// The promises it keeps, whatever is sent to it:
// - exactly one reply for each accepted RCPT behind the end of a message, in order, on every path;
// - only CR LF . CR LF ends a message; a refused command changes nothing; nothing of one
// transaction
//   is left for the next;
// - all replies that arise from one piece of input are one `send`, and so are all outcomes of a
// message;
// - memory is bounded by the limits and by the input given at once.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/mail/dot_reader.hpp"
#include "lib/mail/reply.hpp"

#include "lmtp-bridge/lmtp/action.hpp"
#include "lmtp-bridge/lmtp/command.hpp"
#include "lmtp-bridge/lmtp/conversation.hpp"
#include "lmtp-bridge/lmtp/event.hpp"
#include "lmtp-bridge/lmtp/limits.hpp"
#include "lmtp-bridge/lmtp/recipient_policy.hpp"
#include "lmtp-bridge/lmtp/state.hpp"

namespace homeward::lmtp {

class session {
 public:
  // `policy` must outlive the session. `settings.hostname` is what the greeting says.
  session(session_settings settings, const recipient_policy& policy);

  // Queues the greeting. Call once, first; or turn_away() instead.
  void start();
  // Queues a 421 greeting with this reason, and close: there are too many sessions.
  void turn_away(std::string_view why);

  // Takes octets from the peer and queues actions. Returns how many were taken: all of them, except
  // that nothing is taken while outcomes are awaited or after close. Keep the rest and give it
  // again, with what has arrived since, once next_action() has run dry after delivery_finished.
  // Body chunks point into `octets`: perform the actions before that memory changes.
  [[nodiscard]] std::size_t receive(std::string_view octets);

  void on(const event& e);

  // The next thing to do, in order; nothing when there is nothing to do but to wait.
  [[nodiscard]] std::optional<action> next_action();

  [[nodiscard]] state where() const { return conversation_.where; }
  // How long to wait for the peer now, and what to say if it does not come.
  [[nodiscard]] patience deadline() const;
  // False while outcomes are awaited and after close: do not read from the socket.
  [[nodiscard]] bool wants_input() const;
  // The peer makes many mistakes: let it wait a second before each send.
  [[nodiscard]] bool should_answer_slowly() const;
  // Who the peer says it is (LHLO); empty before. Printable.
  [[nodiscard]] const std::string& helo() const { return conversation_.helo; }

 private:
  // Commands.
  std::size_t receive_command(std::string_view octets);
  void handle_line(std::string_view line);
  void carry_out(const command& c, std::string_view argument);
  [[nodiscard]] bool is_error(const command& c, state before, mail::reply_code code) const;
  void refuse(const mail::reply& r, bool is_error);
  void begin_body();

  // The message.
  std::size_t receive_message(std::string_view octets);
  void take_body(std::string_view piece);
  void message_ended();
  void finish_transaction(const std::vector<mail::reply>& outcomes);
  void abandon_message();

  // Events.
  void handle(const delivery_finished& e);
  void handle(const timed_out& e);
  void handle(const peer_closed& e);
  void handle(const shutting_down& e);

  void reply(const mail::reply& r) { mail::append_encoded(replies_, r); }
  void flush();
  void close_with(close_reason reason);
  void say_and_close(const mail::reply& r, close_reason reason);

  conversation conversation_;
  std::string line_;           // the beginning of a command line whose end has not come
  bool line_too_long_ = false; // ... of which only the end is still awaited
  mail::dot_reader dots_;
  std::uint64_t message_octets_ = 0;
  bool message_too_big_ = false;
  bool stopping_ = false;       // close at the next command boundary
  bool sender_refused_ = false; // RCPT and DATA behind the refused MAIL are no errors
  bool peer_is_gone_ = false;   // the peer closed its side while outcomes were awaited
  std::size_t errors_ = 0;
  std::size_t idle_commands_ = 0;
  std::string replies_; // not yet queued as a `send`
  std::vector<action> actions_;
  std::size_t performed_ = 0; // how many of them next_action() has handed out
};

} // namespace homeward::lmtp
