#pragma once
// From the address in RCPT to the mailbox names of the directory. The rules are applied once, at
// the front end; in the storage protocol and on disk there is only the canonical mailbox. Immutable
// after construction; any thread.

#include <string>
#include <vector>

#include "lib/mail/address.hpp"

namespace homeward::mail {

// The settings. A canonical mailbox is `local@domain` in the notation of to_string(address): domain
// in lower case, local part in lower case if `fold_case`. Only ASCII letters are folded and Unicode
// is not normalised: other writings of a name are other mailboxes.
struct address_rules {
  // Each character of it separates user and detail: with "+", ann+lists belongs to ann. Empty: no
  // details. A delimiter at the start of the local part does not separate.
  std::string recipient_delimiter = "+";
  // Ann and ann are the same user. `postmaster` is always matched so (RFC 5321 4.5.1).
  bool fold_case = true;
  // The domain of bare local parts, as sendmail's local mailer sends them. Empty: they stay bare.
  std::string default_domain = {};

  // The canonical mailbox for `a` with its detail, if any, still in place: what an administrator
  // who types the address of a user means.
  [[nodiscard]] std::string canonical(const address& a) const;

  // The mailboxes to look up for a recipient, in order: first the whole local part (somebody may be
  // called so), then the one without its detail. One or two entries.
  [[nodiscard]] std::vector<std::string> candidates(const address& a) const;
};

} // namespace homeward::mail
