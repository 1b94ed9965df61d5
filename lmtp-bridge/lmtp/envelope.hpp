#pragma once
// What the LMTP session knows about a message apart from its octets.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/byte_count.hpp"
#include "lib/mail/reverse_path.hpp"

namespace homeward::lmtp {

// What the MTA tells about its own client with XFORWARD. Printable text, capped; empty when
// unknown. For the log and for the delivery key (`ident`); nothing is permitted because of it.
struct forwarded_facts {
  std::string name = {};
  std::string addr = {};
  std::string port = {};
  std::string proto = {};
  std::string helo = {};
  std::string ident = {}; // the MTA's queue id
  std::string source = {};
};

// One mailbox to deliver to. Two RCPT commands for the same mailbox give one recipient here; the
// session gives both of them its outcome.
struct recipient {
  std::string path = {};    // as the first RCPT named it, in canonical notation: user+detail@domain
  std::string mailbox = {}; // the canonical mailbox, from the recipient policy
  std::uint64_t token = 0;  // from the recipient policy; means nothing here
};

struct envelope {
  // Counts the messages of this session from 1; names the delivery in end_message and back.
  std::uint64_t transaction = 0;
  mail::reverse_path sender = {};
  std::vector<recipient> recipients = {}; // never empty, no mailbox twice, in the order of RCPT
  std::optional<byte_count> declared_size = {}; // the SIZE parameter: a hint, for reserving memory
  bool eight_bit = false;                       // BODY=8BITMIME
  bool smtputf8 = false;
  std::string helo = {}; // the argument of LHLO
  forwarded_facts forwarded = {};
};

} // namespace homeward::lmtp
