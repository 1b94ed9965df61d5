#pragma once
// Decides where mail goes: at RCPT whether there is such a mailbox, and at the end of a message
// which recipients travel together. Answers from the directory replica in memory; pure, never
// blocks.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/byte_count.hpp"
#include "lib/base/failure.hpp"
#include "lib/directory/replica.hpp"
#include "lib/mail/address_rules.hpp"

#include "lmtp-bridge/lmtp/envelope.hpp"
#include "lmtp-bridge/lmtp/recipient_policy.hpp"

namespace homeward::bridge {

// One recipient of a group.
struct routed_recipient {
  std::size_t index = 0; // into the recipients that were asked for
  std::string mailbox;   // canonical
  std::string original;  // as RCPT named it
  std::uint64_t epoch = 0;
  byte_count quota{}; // 0: no limit
};

// Recipients whose mail travels in one transaction: the same partition of the same server.
struct route_group {
  directory::found_home home; // of the first of them; names partition and server for all
  std::vector<routed_recipient> recipients;

  // "store1/mail1", for replies and the log.
  [[nodiscard]] std::string place() const { return to_string(home.primary->id); }
};

// Every recipient is in exactly one group or refused.
struct route_plan {
  std::vector<route_group> groups;
  std::vector<std::pair<std::size_t, failure>> refused;
};

// Immutable; any thread. `view` gives the current state of the directory.
class router final : public lmtp::recipient_policy {
 public:
  router(std::function<directory::replica_view()> view, mail::address_rules rules);

  // At RCPT. Unknown or disabled: permanent no_user. Directory never seen: transient.
  [[nodiscard]] result<lmtp::accepted_recipient> accept(const mail::address& path) const override;

  // At the end of the message: homes are looked up again, so that a user who has moved since RCPT
  // is found in the new home.
  [[nodiscard]] route_plan plan(std::span<const lmtp::recipient> recipients) const;

 private:
  std::function<directory::replica_view()> view_;
  mail::address_rules rules_;
};

} // namespace homeward::bridge
