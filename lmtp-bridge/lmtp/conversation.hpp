#pragma once
// What an LMTP session knows: facts of the connection and facts of the transaction, in two types,
// so that a reset is the assignment of a fresh transaction. The commands work on this; the session
// adds the octets and the actions.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/mail/reply.hpp"

#include "lmtp-bridge/lmtp/envelope.hpp"
#include "lmtp-bridge/lmtp/limits.hpp"
#include "lmtp-bridge/lmtp/recipient_policy.hpp"
#include "lmtp-bridge/lmtp/state.hpp"

namespace homeward::lmtp {

// What a session is told when it is made.
struct session_settings {
  std::string hostname = "localhost"; // the name in the greeting and in the reply to LHLO
  limits bounds = {};
  mail::reply_policy replies = {};
};

// One RCPT that was accepted, and whose outcome it will get.
struct accepted_command {
  std::string path = {};     // for the reply behind the message
  std::size_t recipient = 0; // index into envelope::recipients, known from DATA on
};

// From MAIL to the last reply. `about.recipients` holds one entry for each accepted RCPT until DATA
// merges those with the same mailbox; with begin_message `about` goes to the driver.
struct transaction {
  envelope about = {};
  std::vector<accepted_command> accepted = {};
  std::size_t deliveries = 0; // how many outcomes will come, known from DATA on
};

struct conversation {
  session_settings settings;
  const recipient_policy* policy; // never null

  state where = state::connected;
  std::string helo = {};
  forwarded_facts forwarded = {}; // from XFORWARD; belongs to the next transaction only
  std::uint64_t transactions = 0; // messages begun so far; the last is the current one
  transaction current = {};

  // Forgets the transaction and what was forwarded for it.
  void reset() {
    current = transaction{};
    forwarded = forwarded_facts{};
  }
};

} // namespace homeward::lmtp
