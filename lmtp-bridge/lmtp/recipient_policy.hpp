#pragma once
// The question at RCPT: whose mailbox is this? Answered from memory by the directory replica; tests
// answer from a script.

#include <cstdint>
#include <string>

#include "lib/base/failure.hpp"
#include "lib/mail/address.hpp"

namespace homeward::lmtp {

struct accepted_recipient {
  std::string mailbox = {}; // canonical; equal mailboxes of one transaction are delivered once
  std::uint64_t token = 0;  // whatever the driver wants to find again in the envelope
};

// Implementations are owned by the driver and outlive the session. Called on the session's thread;
// must not block.
class recipient_policy {
 public:
  recipient_policy() = default;
  recipient_policy(const recipient_policy&) = delete;
  recipient_policy& operator=(const recipient_policy&) = delete;
  virtual ~recipient_policy() = default;

  // The mailbox for the address in RCPT, or why there is none (now): a permanent `no_user` becomes
  // 550 5.1.1, "the directory is not complete yet" 451.
  [[nodiscard]] virtual result<accepted_recipient> accept(const mail::address& path) const = 0;
};

} // namespace homeward::lmtp
