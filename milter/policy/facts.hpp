#pragma once
// What is known about a recipient at the moment an MTA asks about it: the input of the rules
// (policy.hpp). Plain values, gathered from memory by milter/knowledge.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "lib/base/byte_count.hpp"

namespace homeward::milter {

// Whose business a recipient is, and whether mail for it has a place to go to.
enum class recipient_standing : std::uint8_t {
  elsewhere,   // not ours to judge: another domain, an alias, a .forward; the MTA decides
  known,       // a mailbox of the directory
  disabled,    // a mailbox of the directory that takes no mail
  unknown,     // in a domain of ours, and neither the directory nor an alias knows it
  unavailable, // cannot be told now: no directory, or an alias table that could not be read
};

enum class store_health : std::uint8_t { unknown, up, down };

// What a store said about a full or nearly full mailbox. A hint: the store itself decides when the
// message comes.
struct mailbox_usage {
  byte_count used{};
  byte_count limit{};          // never 0
  std::chrono::seconds age{0}; // since the store counted

  friend bool operator==(const mailbox_usage&, const mailbox_usage&) = default;
};

// Only `standing` means something unless it is `known` or `disabled`.
struct recipient_facts {
  recipient_standing standing = recipient_standing::elsewhere;
  std::string mailbox = {};   // canonical, without detail
  std::string store = {};     // server of the primary partition
  std::string partition = {}; // its directory, so that the home is "store/partition"
  store_health store_up = store_health::unknown;
  bool partition_offline = false;          // by its state in the directory
  std::optional<mailbox_usage> usage = {}; // empty: the mailbox has room, as far as anybody knows
  // For `unavailable`: whether the domain is one of ours for sure. Without a directory that
  // can be told of the domains of the settings only, and the recipient may be somebody else's.
  bool domain_is_ours = true;
  // For `unavailable`: what cannot be told, in words for the reply: "the user directory".
  std::string missing = {};

  friend bool operator==(const recipient_facts&, const recipient_facts&) = default;
};

} // namespace homeward::milter
