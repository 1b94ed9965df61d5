#pragma once
// What one record of the journal says. The journal is a numbered sequence of them; a number is
// given once and never again, so a follower can go on "from number N". docs/format/journal.md is
// the specification of every octet; change both or none.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace homeward::journal {

// The number of a record: 1, 2, 3, ... for the life of a journal.
using record_number = std::uint64_t;

// On disk; never renumber. A type that is not listed here makes a reader refuse the journal.
enum class record_type : std::uint16_t {
  delivery = 1,       // a whole message with its envelope
  delivery_apart = 2, // an envelope; the message was filed, durably, before the record was written
  abort = 3,          // recipients of an earlier delivery that were refused after all
  checkpoint = 4,     // what of the records before it is durable in the Maildirs
};

// Which header line the files of a delivery carry; the values of maildir::delivered_to, on disk.
enum class header_rule : std::uint8_t { single = 1, always = 2, never = 3 };

// A message and for whom. Of both delivery types; `apart` tells them from each other.
struct delivery_record {
  std::uint64_t received = 0; // Unix time in milliseconds
  header_rule header = header_rule::single;
  std::string partition; // the id from its identity file, not its name
  std::string name;      // NAME of the transaction
  std::string sender;    // without angle brackets; empty: the null sender
  std::vector<std::string> mailboxes;
  bool apart = false;
  std::uint64_t size = 0; // octets of the message
  // The message as it came (CRLF line ends); empty when `apart`. A view: of whoever encodes, or of
  // the payload that was decoded.
  std::string_view message = {};

  friend bool operator==(const delivery_record&, const delivery_record&) = default;
};

struct abort_record {
  record_number delivery = 0;            // the record it is about
  std::vector<std::uint32_t> recipients; // indexes into its mailboxes

  friend bool operator==(const abort_record&, const abort_record&) = default;
};

// Every record below `below` is either aborted or durable in the Maildirs, and its identities are
// durable too: recovery begins at `below`.
struct checkpoint_record {
  record_number below = 0;

  friend bool operator==(const checkpoint_record&, const checkpoint_record&) = default;
};

using record = std::variant<delivery_record, abort_record, checkpoint_record>;

} // namespace homeward::journal
