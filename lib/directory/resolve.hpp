#pragma once
// From the address in RCPT to a home: the address rules, applied once, on one state of the
// directory.

#include "lib/directory/replica.hpp"
#include "lib/mail/address.hpp"
#include "lib/mail/address_rules.hpp"

namespace homeward::directory {

// The home of the first candidate that exists: the whole local part first, then the one without its
// detail. `postmaster` needs an entry like everybody else. Any thread.
[[nodiscard]] lookup_result resolve(const replica_view& directory, const mail::address_rules& rules,
                                    const mail::address& recipient);

} // namespace homeward::directory
