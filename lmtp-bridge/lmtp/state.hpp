#pragma once
// Where an LMTP session stands. Within a transaction the states only go forward; after its last
// reply, or RSET, the session is `ready` again with a fresh transaction.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "lmtp-bridge/lmtp/limits.hpp"

namespace homeward::lmtp {

enum class state : std::uint8_t {
  connected = 0,  // before LHLO
  ready = 1,      // between transactions
  envelope = 2,   // MAIL was accepted
  message = 3,    // 354 was sent: octets of the message
  delivering = 4, // the end was read; the outcomes are awaited, nothing is read
  closed = 5,     // the last action is `close`
};

// What the driver needs to know about a state: how long the peer may be silent in it, and what to
// say in the log when that time passes or the connection is lost.
struct patience {
  // None while outcomes are awaited: that time is limited where the delivery is.
  std::optional<std::chrono::seconds> limit;
  // Completes "connection lost ..." and "timed out ...".
  std::string_view phrase;
  // The MTA will send the message again although it may have been stored.
  bool duplicate_possible;
};

[[nodiscard]] patience deadline_for(state s, const limits& l);

} // namespace homeward::lmtp
