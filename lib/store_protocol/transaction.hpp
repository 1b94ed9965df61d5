#pragma once
// What one transaction of the storage protocol carries, for both sides: the bridge fills an
// envelope and reads outcomes, stored receives an envelope and answers with outcomes. Plain values,
// copied or moved freely; they hold no message octets.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/byte_count.hpp"
#include "lib/base/failure.hpp"
#include "lib/store_protocol/limits.hpp"

namespace homeward::store_protocol {

// The unique name of a delivery, `<seconds>.<key>.<origin>` on the wire and at the start of the
// Maildir file name. (key, mailbox) is the identity of a delivery: a second transaction with the
// same key for the same mailbox within 7 days is answered +OK and stores no second copy.
//
// A name of another form (a person at telnet: "NAME test1") is accepted: then the whole of it is
// the key, and seconds and origin are 0 and empty.
struct message_name {
  std::uint64_t seconds = 0; // since 1970; first, because readers order new messages by it
  std::string key;           // 1..n of [A-Za-z0-9_-]; no dot unless the name is of another form
  std::string origin;        // the host that made the name; may hold dots

  friend bool operator==(const message_name&, const message_name&) = default;
};

// The name as it is written. Two equal names give equal text.
[[nodiscard]] std::string to_string(const message_name& name);

// Fails with [SYNTAX] unless `text` is 1..l.name octets of [A-Za-z0-9._-] without a leading dot.
[[nodiscard]] result<message_name> parse_message_name(std::string_view text, const limits& l = {});

// One accepted RCPT.
struct recipient {
  std::string mailbox;      // canonical, without angle brackets; no control characters
  std::string original;     // ORIG: as the sending side first saw it; empty: not given
  std::uint64_t epoch = 0;  // EPOCH: of the mailbox's home; 0: not given
  byte_count quota_limit{}; // QUOTA: the mailbox's limit, owned by the directory; 0: no limit given

  friend bool operator==(const recipient&, const recipient&) = default;
};

// All that is known of a message besides its octets.
struct envelope {
  byte_count size{};     // octets of DATA, counted, as the MTA sent them (CR LF, dots unstuffed)
  message_name name;     // empty key: not given yet
  std::string partition; // PRTN: the partition's name on that store; empty: not given yet
  std::string sender;    // FROM without angle brackets; empty: the null sender (check has_sender)
  bool has_sender = false;
  std::vector<recipient>
      recipients; // accepted ones, in the order of their RCPTs; may repeat a mailbox

  friend bool operator==(const envelope&, const envelope&) = default;
};

// The state of a store, carried by final replies when LOAD is on. All of it is a hint.
struct load_figures {
  unsigned busy_percent = 0;  // 0..100: how much of its delivery capacity is in use
  std::uint64_t sessions = 0; // open storage connections
  byte_count free{};          // on the volume of the partition last used
  byte_count total{};
  std::string version; // of the store's software, [A-Za-z0-9._-]; empty: not told

  friend bool operator==(const load_figures&, const load_figures&) = default;
};

// A recipient's mail is safe: the whole message and its envelope are on stable storage and the
// message is visible in the Maildir.
struct stored_as {
  std::string name;    // NAME it was stored under; for a repeat that of the first time
  bool repeat = false; // it had been stored before; no second copy was made

  friend bool operator==(const stored_as&, const stored_as&) = default;
};

// What became of the message for one recipient.
using outcome = result<stored_as>;

} // namespace homeward::store_protocol
