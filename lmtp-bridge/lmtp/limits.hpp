#pragma once
// The limits of one LMTP session (docs/protocol/lmtp.md, "Limits"). One struct, so that tests can
// set them to 3. The session counts; the driver keeps the times.

#include <chrono>
#include <cstddef>

#include "lib/base/byte_count.hpp"

namespace homeward::lmtp {

struct limits {
  // The longest command line in octets, CR LF included. RFC 5321 4.5.3.1.4 asks for 512 or more.
  std::size_t command_line = 2048;
  // Accepted recipients of one transaction; RFC 5321 4.5.3.1.8 asks for 100 or more.
  std::size_t recipients = 1000;
  // The largest message after dot-unstuffing. What LHLO announces as SIZE.
  byte_count message_size = 64_MiB;
  // How much more is swallowed of a message that is too big, so that it can be refused properly
  // behind its end. Beyond that the connection is closed.
  byte_count surplus = 1_MiB;
  // Protocol errors until the connection is closed, and until the driver should answer slowly.
  // Refused recipients are not errors. A delivered message forgives all.
  std::size_t errors = 20;
  std::size_t errors_until_slow = 10;
  // Commands that lead nowhere (NOOP, RSET, VRFY, HELP, LHLO, XFORWARD) until the connection is
  // closed. A delivered message forgives all.
  std::size_t idle_commands = 100;
  // How long a peer may be silent between commands, and within a message (RFC 5321 4.5.3.2).
  std::chrono::seconds command_time{300};
  std::chrono::seconds message_time{180};
};

} // namespace homeward::lmtp
