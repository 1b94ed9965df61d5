#pragma once
// Knowledge as a test wants it: facts by address, everything else is somebody else's business.

#include <map>
#include <set>
#include <string>

#include "lib/mail/address.hpp"

#include "milter/knowledge/knowledge.hpp"

namespace homeward::milter::tests {

class known_facts final : public knowledge {
 public:
  std::map<std::string, recipient_facts> by_address;
  std::set<std::string> domains;
  bool is_complete = true;

  [[nodiscard]] recipient_facts facts_of(const mail::address& recipient) const override {
    const auto found = by_address.find(to_string(recipient));
    return found == by_address.end() ? recipient_facts{} : found->second;
  }
  [[nodiscard]] bool has_domain(std::string_view domain) const override {
    return domains.contains(std::string(domain));
  }
  [[nodiscard]] bool complete() const override { return is_complete; }
};

} // namespace homeward::milter::tests
