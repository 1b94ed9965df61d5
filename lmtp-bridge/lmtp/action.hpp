#pragma once
// What an LMTP session asks its driver to do. A closed variant: std::visit over all of it is the
// driver's proof that it forgets nothing.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "lmtp-bridge/lmtp/envelope.hpp"

namespace homeward::lmtp {

// Write these octets, in one write.
struct send {
  std::string octets;
};

// A message begins: make a buffer for it. Followed by body_chunk ... and then end_message or
// discard.
struct begin_message {
  envelope about;
};

// Append this to the message. A view into the octets given to receive(), or into static memory:
// perform it before that buffer changes.
struct body_chunk {
  std::string_view octets;
};

// The message is complete: deliver it, then report delivery_finished for this transaction. The
// session reads nothing until then.
struct end_message {
  std::uint64_t transaction;
};

enum class discard_reason : std::uint8_t {
  too_big,     // over the size limit; every recipient gets its 552 behind the end
  interrupted, // the connection ended or timed out within the message; the MTA keeps it
};

// Forget the message that has begun: it will not end.
struct discard {
  discard_reason reason;
};

enum class close_reason : std::uint8_t {
  quit,            // the peer said QUIT
  peer_closed,     // the peer hung up
  timed_out,       // it was silent for too long
  shutting_down,   // we stop
  turned_away,     // no session was wanted
  too_many_errors, // or too many commands that lead nowhere
  too_much_data,   // a message went on far beyond the size limit
};

// A few words for the log.
[[nodiscard]] std::string_view words(close_reason reason);

// Close the connection, after everything before was sent. Always the last action.
struct close {
  close_reason reason;
};

using action = std::variant<send, begin_message, body_chunk, end_message, discard, close>;

} // namespace homeward::lmtp
