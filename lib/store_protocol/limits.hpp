#pragma once
// Every number the storage protocol is bounded by, in one value, so that a test can set it to 3 and
// an operator can see it in the settings. docs/protocol/storage-protocol.md, "Limits" and "Times",
// lists the same numbers; a test compares them.

#include <chrono>
#include <cstddef>

#include "lib/base/byte_count.hpp"

namespace homeward::store_protocol {

// Given to both sessions at construction. Octets unless said otherwise. `line` must have room for a
// result: name + address + 64 at least.
struct limits {
  std::size_t line = 1024;       // a command or a reply, its CR LF included
  std::size_t name = 128;        // the argument of NAME
  std::size_t partition = 64;    // the argument of PRTN
  std::size_t address = 320;     // a mailbox or reverse path, without its angle brackets
  std::size_t recipients = 1000; // accepted RCPTs of one transaction
  byte_count size = {std::uint64_t{64} << 20U};   // a message; a larger SIZE is [TOOBIG]
  byte_count surplus = {std::uint64_t{1} << 20U}; // beyond `size`, still swallowed; more closes
  std::size_t skipped = 65'536; // of an over-long line, swallowed up to its LF; more closes
  std::size_t errors = 20;      // protocol errors (not refusals by policy) before we close
  std::size_t usages = 10'000;  // mailboxes told by one FULL; of more, those that are fullest

  // Client only: commands written before their replies are read. Keeps what both kernels must
  // buffer small, so that a driver may write a whole group and only then read.
  std::size_t window = 100;
  // Client only: a larger message is sent only when a recipient was accepted; a smaller one follows
  // its envelope in the same write.
  byte_count eager_body = {std::uint64_t{1} << 20U};
};

// How long a driver waits, chosen by what the session is waiting for. No session knows the time.
struct times {
  std::chrono::seconds server_idle{60};    // stored: for the first command of a transaction
  std::chrono::seconds server_command{30}; // stored: for the next command within a transaction
  std::chrono::seconds server_block{60};   // stored: for the next octets of a message
  std::chrono::seconds server_commit{60};  // stored: its own work between DATA and the results
  std::chrono::seconds client_connect{5};  // bridge: for the connection
  std::chrono::seconds client_command{30}; // bridge: for a reply that needs no disk
  std::chrono::seconds client_block{60};   // bridge: for room to write the next octets
  std::chrono::seconds client_idle{30};    // bridge: a pooled connection without work is closed
};

} // namespace homeward::store_protocol
