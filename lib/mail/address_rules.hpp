#pragma once
// From the address in RCPT to the mailbox names of the directory. The rules are applied once, at
// the front end; in the storage protocol and on disk there is only the canonical mailbox. Immutable
// after construction; any thread.

#include <string>
#include <string_view>
#include <vector>

#include "lib/mail/address.hpp"

namespace homeward::mail {

// Who gets mail for names of a domain that nobody has.
struct catch_all_mailbox {
  std::string domain;
  std::string mailbox; // as people write it: the rules below are applied to it as well

  friend bool operator==(const catch_all_mailbox&, const catch_all_mailbox&) = default;
};

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
  // At most one per domain; the first one counts. A few hundred at most: they are searched in turn.
  std::vector<catch_all_mailbox> catch_all = {};

  // The canonical mailbox for `a` with its detail, if any, still in place: what an administrator
  // who types the address of a user means.
  [[nodiscard]] std::string canonical(const address& a) const;

  // The mailboxes to look up for a recipient, in order: first the whole local part (somebody may be
  // called so), then the one without its detail, last the catch-all of the domain. One to three
  // entries, no two equal. The first one that exists is meant, also when it takes no mail now.
  [[nodiscard]] std::vector<std::string> candidates(const address& a) const;

 private:
  [[nodiscard]] const catch_all_mailbox* catch_all_of(std::string_view domain) const;
};

} // namespace homeward::mail
