#pragma once
// The sending side of the storage protocol as a pure state machine. lib/store_client drives one per
// connection to a store. No sockets, no clock; the message's octets never pass through it, so that
// one buffer serves several connections.
//
//   open()              once, on a fresh connection: asks the store what it can do (CAPA)
//   start(envelope)     when ready(): one transaction
//   probe(), list_full(), quit()
//                       when ready(): is the store still there? / which mailboxes are full? / leave
//   receive(octets), on(event)  then take next_action() until it is empty, and perform each in
//   order
//
// Every start() is answered by exactly one action_finished with one outcome per recipient of the
// envelope, whatever happens, and success is reported only for a recipient whose own +OK was read.
// A connection whose replies make no sense (unasked, garbled, in the wrong order) is never used
// again: action_close follows, ready() stays false.
//
// docs/protocol/storage-protocol.md. Not thread-safe: one strand owns a session. Nothing here
// throws for what a store does; calling start(), probe(), list_full() or quit() when not ready() is
// a bug and throws.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/base/failure.hpp"
#include "lib/store_protocol/limits.hpp"
#include "lib/store_protocol/line_reader.hpp"
#include "lib/store_protocol/reply.hpp"
#include "lib/store_protocol/server_session.hpp"
#include "lib/store_protocol/transaction.hpp"
#include "lib/store_protocol/usage.hpp"

namespace homeward::store_protocol {

// What a store announced in answer to CAPA. All false: a base store (-ERR to CAPA), which gets one
// command at a time, one transaction per connection, and answers once for all recipients.
struct server_features {
  bool rset = false;       // RSET: a refused transaction need not cost the connection
  bool noop = false;       // NOOP: probe() is possible
  bool pipelining = false; // several commands in one write
  bool results = false;    // one reply per accepted recipient after DATA
  bool params = false;     // RCPT takes ORIG, EPOCH and QUOTA
  bool load = false;       // final replies carry load_figures
  bool full = false;       // FULL: list_full() tells something
  bool many = false;       // more than one transaction per connection (any store that knows CAPA)
  std::optional<byte_count> size; // the largest message it takes, if told
  std::string software;           // SERVER, such as "homeward/0.1.0"; may be empty
};

// ---- actions ----

// Write all octets of the message of the transaction under way, exactly envelope.size of them,
// after the text of the action_send before it (one gathered write is best). Then tell
// event_body_sent. When the octets cannot be read or written, close the connection and tell
// event_connection_lost: there is no other way to take back a DATA.
struct action_send_body {};
// CAPA was answered; ready() is true.
struct action_opened {
  server_features features;
};
// The transaction is over; outcomes[i] belongs to envelope.recipients[i] of start(). ready() tells
// whether the connection may be used again. `load` is there if the store told it.
//   success           the store's own +OK for this recipient was read
//   transient         not stored; try again (with the same NAME)
//   permanent         the store will never take it
//   unknown_outcome   the connection failed when the store may have had everything: repeat with the
//                     same NAME, on another connection, and the store makes no second copy
struct action_finished {
  std::vector<outcome> outcomes;
  std::optional<load_figures> load;
};
// NOOP was answered; ready() is true. `load` is there if the store told it.
struct action_probed {
  std::optional<load_figures> load;
};
// FULL was answered to its end; ready() is true.
struct action_listed {
  std::vector<mailbox_usage> usages;
};
// Also: action_send (server_session.hpp), and action_close: always the last one. For
// close_reason::broken the failure's words tell what was wrong (client_session::trouble()).
using client_action = std::variant<action_send, action_send_body, action_opened, action_finished,
                                   action_probed, action_listed, action_close>;

// ---- events ----

// All octets asked for by action_send_body were written.
struct event_body_sent {};
// The connection ended, or an octet could not be written. `why` goes into the outcomes.
struct event_connection_lost {
  failure why;
};
// Also event_timed_out (server_session.hpp): an answer did not come in time. The connection is
// given up.
using client_event = std::variant<event_body_sent, event_connection_lost, event_timed_out>;

// For what a driver is to wait, so that it can choose the deadline (limits.hpp, times).
enum class client_waits_for : unsigned char {
  work = 1,    // ready(): nothing is awaited; a readable socket now means it is to be discarded
  reply = 2,   // a reply that needs no disk: client_command
  writing = 3, // event_body_sent: client_block
  results = 4, // the fate of the message: the bridge's whole wait
  nothing = 5, // closed
};

// In the order in which a connection passes through them; `ready` to `resetting` repeat.
enum class client_state : unsigned char {
  fresh = 1,     // nothing sent
  opening = 2,   // CAPA sent
  ready = 3,     // between transactions
  envelope = 4,  // commands of a transaction sent, not all answered; DATA not sent
  body = 5,      // DATA handed out, octets being written
  results = 6,   // octets written, results awaited
  resetting = 7, // RSET sent after a refused envelope
  probing = 8,   // NOOP sent
  listing = 9,   // FULL sent
  closed = 10,   // action_close given; for ever
};

class client_session {
 public:
  explicit client_session(const limits& l = {});

  // Sends CAPA with every extension we use. Once, in state fresh. `base` = true sends nothing and
  // takes the store for a base store (for stores known to drop a connection on an unknown command).
  void open(bool base = false);

  // Begins a transaction. `message.recipients` must not be empty. What cannot be written in this
  // protocol (a control character in an address) is refused at once, permanently, and never sent.
  void start(envelope message);

  void probe(); // NOOP; a store without NOOP counts as probed at once
  // FULL; a store without FULL counts as having answered that no mailbox is full.
  void list_full();
  void quit(); // QUIT, then action_close without waiting for the reply

  // Takes octets from the store; returns how many were consumed. Fewer than given means that
  // event_body_sent is awaited: keep the rest and give it again afterwards.
  [[nodiscard]] std::size_t receive(std::string_view octets);

  void on(client_event event);

  // The oldest action not yet taken; empty: nothing to do now.
  [[nodiscard]] std::optional<client_action> next_action();

  [[nodiscard]] client_waits_for waits_for() const;
  [[nodiscard]] client_state state() const { return state_; }
  [[nodiscard]] bool ready() const { return state_ == client_state::ready; }
  [[nodiscard]] bool closed() const { return state_ == client_state::closed; }
  // A store must be silent between transactions: a driver that sees octets now gives them to
  // receive(), which closes the session.

  [[nodiscard]] const server_features& features() const { return features_; }

  // After action_close: why, in words for the log. Empty after quit().
  [[nodiscard]] const std::optional<failure>& trouble() const { return trouble_; }

 private:
  // One command of a transaction, in the order in which it is sent and answered.
  struct step {
    enum class kind : unsigned char { size = 1, name, prtn, from, rcpt, data };
    kind what;
    std::size_t recipient; // of rcpt: index into message.recipients
    std::string text;
  };
  // What belongs to one transaction. Reset = assign a fresh one.
  struct transaction {
    envelope message;
    std::vector<step> plan;
    std::size_t sent = 0;     // steps handed out; cursor into plan
    std::size_t answered = 0; // steps answered; never beyond `sent`
    bool eager = false;       // everything in one write, DATA and the octets too
    bool data_sent = false;   // DATA was handed out: from now on the store may have the message
    std::vector<std::size_t> accepted; // recipients answered +OK, in order
    std::size_t results = 0;           // replies to DATA read
    std::optional<failure> refused;    // why the store refused the whole transaction
    std::optional<outcome> single;     // the one reply to DATA of a store without RESULTS
    std::vector<std::optional<outcome>> outcomes;
  };

  void on_event(event_body_sent&& sent);
  void on_event(event_connection_lost&& lost);
  void on_event(event_timed_out&& timed_out);

  void require_ready(const char* what) const;
  [[nodiscard]] bool build_plan();
  void send_more();
  void give_up_envelope();
  void settle(const failure& why);
  void finish();

  [[nodiscard]] bool holds_back() const;
  [[nodiscard]] bool outstanding() const;
  void advance();
  void take_line(std::string_view line);
  void take_reply(const reply& r);
  void take_capabilities(const reply& r);
  void take_word_of_capa(std::string_view word);
  void take_listing(const reply& r);
  void take_step(const reply& r);
  void take_preamble(const reply& r, step::kind what);
  void take_recipient(const reply& r, std::size_t index);
  void take_data(const reply& r);
  void take_result(const reply& r, std::size_t index);
  void take_single(const reply& r);
  [[nodiscard]] std::optional<stored_as> stored_by(const reply& r) const;

  void send(std::string text);
  void broken(std::string_view what, std::string_view line);
  void give_up(failure why, close_reason reason);
  void close(close_reason reason);

  limits limits_;
  line_reader lines_;
  std::deque<client_action> actions_;

  // Facts of the connection.
  client_state state_ = client_state::fresh;
  server_features features_;
  std::optional<failure> trouble_;
  std::optional<std::size_t> usages_to_come_; // of the listing under way; empty: its head
  std::vector<mailbox_usage> usages_;

  // Facts of the transaction.
  bool active_ = false; // start() was called and action_finished not given
  transaction transaction_;
  std::optional<load_figures> load_; // told by the last final reply
};

} // namespace homeward::store_protocol
