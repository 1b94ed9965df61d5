#pragma once
// Where the Maildir of a mailbox lies, as far as the directory knows it.

#include <string>
#include <string_view>

#include "lib/directory/types.hpp"

namespace homeward::admin {

// The Maildir beneath the partition under the default path template; "" when the mailbox has no
// such path. The identity file of the partition may name another template; only its server knows.
[[nodiscard]] std::string default_maildir(std::string_view mailbox);

// In words: "/mnt/mail/example.org/ann/Maildir" for kind path, else "store1/mail1, there
// example.org/ann/Maildir".
[[nodiscard]] std::string where_mail_lies(std::string_view mailbox, const directory::partition& p);

} // namespace homeward::admin
