#include "lib/directory/resolve.hpp"

namespace homeward::directory {

lookup_result resolve(const replica_view& directory, const mail::address_rules& rules,
                      const mail::address& recipient) {
  lookup_result found = no_such_user{};
  for (const auto& mailbox : rules.candidates(recipient)) {
    found = directory.lookup(mailbox);
    if (!std::holds_alternative<no_such_user>(found)) {
      break;
    }
  }
  return found;
}

} // namespace homeward::directory
