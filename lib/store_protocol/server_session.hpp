#pragma once
// The storing side of the storage protocol as a pure state machine: octets and events in, actions
// out. No sockets, no clock, no files. stored/service drives one per connection:
//
//   loop: octets arrive       -> receive(), again with the rest once an event let it go on
//         something happened  -> on(event)
//         afterwards          -> take next_action() until it is empty, and perform each in order
//
// The grammar and the meaning of every reply: docs/protocol/storage-protocol.md.
// Not thread-safe: one strand owns a session. Nothing here throws for what a peer does.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/base/byte_count.hpp"
#include "lib/base/failure.hpp"
#include "lib/store_protocol/limits.hpp"
#include "lib/store_protocol/line_reader.hpp"
#include "lib/store_protocol/reply.hpp"
#include "lib/store_protocol/transaction.hpp"
#include "lib/store_protocol/usage.hpp"

namespace homeward::store_protocol {

// Space on the volume of a partition, told with the reply to PRTN when LOAD is on. 0/0: not known.
struct partition_figures {
  byte_count free{};
  byte_count total{};
};

// What the owner of the session decides while the envelope arrives. Called from receive() and
// answered from memory at once: no disk, no network, no waiting. A failure becomes the -ERR reply;
// its kind does not matter, its reason gives the code.
class server_policy {
 public:
  server_policy() = default;
  server_policy(const server_policy&) = delete;
  server_policy& operator=(const server_policy&) = delete;
  virtual ~server_policy() = default;

  // May this peer write to the partition `name`, and is it here and writable? A failure
  // (no_partition, denied, full, temp) refuses the whole transaction.
  [[nodiscard]] virtual result<partition_figures> accept_partition(std::string_view name) = 0;

  // May `who` be added to `so_far` (its partition, name and size are set)? A failure (no_user,
  // moved, quota, temp) removes only this recipient.
  [[nodiscard]] virtual result<void> accept_recipient(const envelope& so_far,
                                                      const recipient& who) = 0;

  // The mailboxes of this peer's partitions that are at or above nine tenths of their limit as far
  // as is known, the fullest first, `most` of them at most. A store that counts nothing tells none.
  [[nodiscard]] virtual std::vector<mailbox_usage> full_mailboxes(std::size_t most);
};

// Why a session ends; for the log and the metrics.
enum class close_reason : unsigned char {
  quit = 1,            // the peer said QUIT
  peer_closed = 2,     // the connection ended without QUIT
  timed_out = 3,       // the peer was silent, or too slow, for too long
  shutting_down = 4,   // the daemon stops and nothing was under way
  too_many_errors = 5, // limits.errors were reached
  unbelievable = 6, // what follows cannot be told apart from commands: SIZE or line beyond reason
  broken = 7,       // client only: the peer's replies cannot be trusted
};
[[nodiscard]] std::string_view to_string(close_reason why);

// ---- actions: what the driver has to do, in order ----

// Write these octets. Replies of one group come as one text.
struct action_send {
  std::string text;
};
// A message of `size` octets begins; it belongs to `so_far` (recipients are not known yet when the
// sender chose DATA first). Prepare a place for it.
struct action_begin_body {
  byte_count size;
  envelope so_far;
};
// The next octets of the message. Points into what was given to receive(): use it before the buffer
// changes. Octets reported by event_body_received never come this way.
struct action_body {
  std::string_view piece;
};
// The message was begun and will not be delivered: give up its octets.
struct action_discard_body {};
// All octets were given: store them for every recipient, then answer with event_delivery_finished.
// Until then receive() consumes nothing.
struct action_deliver {
  envelope message;
};
// Close the connection after everything sent so far. Always the last action. Let the peer read the
// last reply: shut down the sending side, read and drop what still comes for a moment, then close.
struct action_close {
  close_reason why;
};
using server_action = std::variant<action_send, action_begin_body, action_body, action_discard_body,
                                   action_deliver, action_close>;

// ---- events: what the driver has to tell ----

// The answer to action_deliver: one outcome per recipient of its envelope, in that order.
struct event_delivery_finished {
  std::vector<outcome> outcomes;
  load_figures load;
};
// `octets` of the message were read straight into the driver's own buffer (<= body_remaining()).
struct event_body_received {
  std::uint64_t octets;
};
// The octets of the message begun cannot be kept (memory, spool). The rest is swallowed and every
// accepted recipient is answered with `why`.
struct event_body_failed {
  failure why;
};
// The peer was silent for as long as the settings allow, or a delivery took longer than its limit.
// Says nothing to an idle peer, for a line nobody asked for could be taken as the answer to another
// command. While a delivery is under way every recipient is answered [TEMP].
struct event_timed_out {};
// No more octets will come (end of file or error). An unfinished transaction is abandoned. When a
// delivery is under way it goes on, but its outcome is told to nobody.
struct event_peer_closed {};
// The daemon stops: the transaction under way may finish, then the session closes.
struct event_shutting_down {};
using server_event = std::variant<event_delivery_finished, event_body_received, event_body_failed,
                                  event_timed_out, event_peer_closed, event_shutting_down>;

// For what a driver is to wait, so that it can choose the deadline (limits.hpp, times).
enum class server_waits_for : unsigned char {
  first_command = 1, // no transaction under way: server_idle
  next_command = 2,  // within a transaction: server_command
  body = 3,          // octets of a message, wanted or only swallowed: server_block
  delivery = 4,      // event_delivery_finished: server_commit; do not read meanwhile
  nothing = 5,       // closed
};

// Where a transaction is; in the order in which a transaction passes through them. A refused
// command never changes the state; a refused SIZE, NAME, PRTN or FROM marks the transaction
// refused.
enum class server_state : unsigned char {
  ready = 1,             // nothing of a transaction seen
  begun = 2,             // some of SIZE, NAME, PRTN
  addressed = 3,         // FROM, perhaps RCPTs: envelope first
  receiving = 4,         // octets after DATA
  pending = 5,           // DATA came first and is complete; no FROM yet
  pending_addressed = 6, // ... FROM, perhaps RCPTs; QUIT commits
  storing = 7,           // action_deliver given, answer awaited
  closed = 8,            // action_close given
};

class server_session {
 public:
  // `software` is the value of SERVER in the CAPA reply, such as "homeward/0.1.0". `policy` must
  // outlive the session.
  server_session(const limits& l, std::string software, server_policy& policy);

  // Takes octets from the peer and returns how many were consumed. Fewer than given means that an
  // answer of the driver is awaited, or the session is closed: keep the rest and give it again
  // after the next event; or that a long answer was given: write it out, then give the rest.
  // Perform the actions before the octets' buffer changes.
  [[nodiscard]] std::size_t receive(std::string_view octets);

  // Tells what happened. An event that does not fit the state (an answer nobody awaits) is ignored.
  void on(server_event event);

  // The figures for the next NOOP or result; call it whenever they are known.
  void set_load(load_figures load) { load_ = std::move(load); }

  // The oldest action not yet taken; empty: nothing to do now.
  [[nodiscard]] std::optional<server_action> next_action();

  [[nodiscard]] server_waits_for waits_for() const;

  // Octets of the message still to come that the driver may read straight into its own buffer and
  // report with event_body_received; 0 outside a body, and while octets are only swallowed. Ask
  // after all actions were performed.
  [[nodiscard]] std::uint64_t body_remaining() const;

  [[nodiscard]] server_state state() const { return state_; }
  [[nodiscard]] bool closed() const { return state_ == server_state::closed; }

 private:
  // The command table and its handlers (server_commands.cpp).
  struct commands;

  // What belongs to one transaction. Reset = assign a fresh one, so that nothing leaks into the
  // next.
  struct transaction {
    envelope message;
    bool size_known = false;        // message.size holds a SIZE, refused or not
    bool envelope_begun = false;    // a FROM or RCPT was seen, refused or not
    bool data_first = false;        // DATA was seen before any of those
    std::optional<failure> refused; // why the whole transaction is refused
  };
  // The extensions that the peer asked for with CAPA.
  struct extensions {
    bool results = false;
    bool params = false;
    bool load = false;
  };

  void on_event(event_delivery_finished&& finished);
  void on_event(event_body_received&& received);
  void on_event(event_body_failed&& failed);
  void on_event(event_timed_out&& timed_out);
  void on_event(event_peer_closed&& closed);
  void on_event(event_shutting_down&& stopping);

  std::size_t receive_line(std::string_view octets);
  std::size_t receive_body(std::string_view octets);
  void dispatch(std::string_view line, bool too_long);

  void begin_body();
  void count_body(std::uint64_t octets);
  void finish_body();
  void deliver(bool by_quit);
  void tell_results(const std::vector<outcome>& outcomes);
  void tell_one_result(const std::vector<outcome>& outcomes);
  void tell_refused_data();
  void end_transaction();

  void tell_usage(const std::vector<mailbox_usage>& all);
  void say(reply r);
  void say_ok(std::string text);
  void say_refusal(const failure& why);
  [[nodiscard]] bool count_error(); // true: that was one too many
  void refuse_transaction(const failure& why);
  void abandon_body();
  void close(close_reason why);

  limits limits_;
  std::string software_;
  server_policy* policy_;
  line_reader lines_;
  std::deque<server_action> actions_;

  // Facts of the connection.
  extensions enabled_;
  load_figures load_;
  std::size_t errors_ = 0;
  bool stopping_ = false;
  bool told_much_ = false; // the driver should write before more is asked
  // Set when a DATA that came first was refused: QUIT must not sound like a commitment.
  std::optional<failure> owed_to_quit_;

  // Facts of the transaction.
  server_state state_ = server_state::ready;
  transaction transaction_;
  std::uint64_t body_left_ = 0; // octets of the message still to come
  bool body_wanted_ = false;    // ... and somebody wants them
  bool body_held_ = false;      // the driver holds octets for us: action_begin_body was given
  bool quitting_ = false;       // the delivery under way was asked for by QUIT
};

} // namespace homeward::store_protocol
