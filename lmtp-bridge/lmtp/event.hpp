#pragma once
// What happens to an LMTP session besides octets.

#include <cstdint>
#include <variant>
#include <vector>

#include "lib/mail/reply.hpp"

namespace homeward::lmtp {

// The outcomes of a message, one for each recipient of its envelope, in that order. Each is a reply
// without the address, such as {reply_250_stored, "stored as NAME on store1/mail1"} or
// mail::reply_for(failure); the session puts `<address>` before the text. Outcomes for another
// transaction than the one that is awaited are ignored; a wrong number of them, or a code that is
// no outcome (421, 354), becomes 451 for the recipients concerned.
struct delivery_finished {
  std::uint64_t transaction = 0;
  std::vector<mail::reply> outcomes = {};
};

// The time of deadline_for(state) has passed without an octet. While outcomes are awaited (the
// driver gave up): every recipient gets 451 "may or may not be stored", and the session goes on.
struct timed_out {};

// The peer has closed its sending side, or the connection is gone.
struct peer_closed {};

// The daemon stops: a message whose octets are arriving is finished and answered, everything else
// ends with 421.
struct shutting_down {};

using event = std::variant<delivery_finished, timed_out, peer_closed, shutting_down>;

} // namespace homeward::lmtp
