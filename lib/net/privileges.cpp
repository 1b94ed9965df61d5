#include "lib/net/privileges.hpp"

#include <cerrno>
#include <cstring>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

namespace homeward::net {

bool runs_as_root() {
  return ::geteuid() == 0;
}

result<void> become_user(const std::string& user) {
  errno = 0;
  const passwd* entry = ::getpwnam(user.c_str());
  if (entry == nullptr) {
    return transient_failure("there is no user " + user, errno != 0 ? std::strerror(errno) : "",
                             "Create it (adduser --system --group " + user +
                                 ") or change the setting user.");
  }
  if (::geteuid() == entry->pw_uid) {
    return {};
  }
  // The order matters: once the user id is given up, groups cannot be changed any more.
  if (::initgroups(user.c_str(), entry->pw_gid) != 0 || ::setgid(entry->pw_gid) != 0 ||
      ::setuid(entry->pw_uid) != 0) {
    return transient_failure("cannot become user " + user, std::strerror(errno),
                             "Start the daemon as root or as that user.");
  }
  return {};
}

} // namespace homeward::net
