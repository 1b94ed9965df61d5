#pragma once
// What an LMTP server has to answer, written the simple way: all input at hand, one pass, no regard
// for speed. The fuzz target compares the session with it.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lmtp-bridge/lmtp/limits.hpp"

namespace homeward::lmtp_model {

// A mailbox and its fate follow from the local part: u... is unknown, t... cannot be looked up now,
// everything else is accepted under what stands before a '+'. Delivery to q... fails with a full
// mailbox, to f... with a full volume.
[[nodiscard]] std::string mailbox_for(const std::string& local, const std::string& domain);

struct message {
  std::string octets;
  std::vector<std::string> mailboxes;

  friend bool operator==(const message&, const message&) = default;
};

struct result {
  std::vector<std::string>
      codes;                     // of each reply line: code and enhanced code, "250-" if it goes on
  std::vector<message> messages; // those that were delivered
  bool closed_by_server = false;
};

// The conversation up to the end of the input.
[[nodiscard]] result converse(std::string_view input, const lmtp::limits& limits);

} // namespace homeward::lmtp_model
