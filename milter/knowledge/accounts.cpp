#include "milter/knowledge/accounts.hpp"

#include <cerrno>
#include <pwd.h>
#include <system_error>

namespace homeward::milter {

result<name_set> list_accounts() {
  name_set names;
  ::setpwent();
  errno = 0;
  while (const passwd* entry = ::getpwent()) {
    names.insert(lower_case(entry->pw_name));
    errno = 0;
  }
  const int error = errno;
  ::endpwent();
  // ENOENT is how some name services say "no more".
  if (names.empty() || (error != 0 && error != ENOENT)) {
    return transient_failure("cannot list the accounts of this host",
                             std::generic_category().message(error),
                             "Look at `getent passwd` and at /etc/nsswitch.conf.");
  }
  return names;
}

} // namespace homeward::milter
