#pragma once
// What the doors may ask about a recipient. The answer comes from memory and never waits: not for a
// disk, not for the network, not for a lock that somebody holds while waiting for those. Libmilter
// runs its callbacks on a few threads, and one that waits delays strangers.

#include <string_view>

#include "lib/mail/address.hpp"

#include "milter/policy/facts.hpp"

namespace homeward::milter {

// Implementations: `memory` (memory.hpp) and the fakes of tests.
class knowledge {
 public:
  knowledge() = default;
  knowledge(const knowledge&) = delete;
  knowledge& operator=(const knowledge&) = delete;
  virtual ~knowledge() = default;

  // Any thread. `recipient` is as RCPT named it.
  [[nodiscard]] virtual recipient_facts facts_of(const mail::address& recipient) const = 0;
  // True when the directory has users in the domain, or the setting `domains` lists it. False while
  // nothing is known. `domain` in any case of letters.
  [[nodiscard]] virtual bool has_domain(std::string_view domain) const = 0;
  // False until the directory was read for the first time: then nothing is "not found".
  [[nodiscard]] virtual bool complete() const = 0;
};

} // namespace homeward::milter
