#pragma once
// From a policy request to the action that Postfix takes (access(5)). The same rules and the same
// memory as the milter's, so both doors say the same; nothing waits.
//
//   RCPT            the recipient is judged; it counts against the rate of its sender, once for a
//                   message, however often Postfix asks
//   END-OF-MESSAGE  the size is known: with a single recipient it is judged again; recipients that
//                   no RCPT request asked about are counted now
//   VRFY            the recipient is judged, nothing is counted
//   all others      DUNNO: no objection

#include <functional>
#include <string>

#include "milter/delegation/counted_messages.hpp"
#include "milter/delegation/request.hpp"
#include "milter/knowledge/knowledge.hpp"
#include "milter/policy/policy.hpp"
#include "milter/policy/sender_rate.hpp"

namespace homeward::milter::delegation {

// What all sessions share; must outlive them.
struct judgement_parts {
  const knowledge& known;
  sender_rate& rate;
  std::function<rules()> rules_now; // any thread; never waits
  counted_messages& counted;
};

// Any thread.
class judgement {
 public:
  explicit judgement(judgement_parts parts) : parts_(std::move(parts)) {}

  [[nodiscard]] verdict judge_request(const request& r) const;

 private:
  [[nodiscard]] bool over_rate_at_recipient(const request& r) const;
  [[nodiscard]] bool over_rate_at_end(const request& r) const;
  [[nodiscard]] verdict judge_recipient(const request& r) const;

  judgement_parts parts_;
};

// "DUNNO", or the reply as Postfix passes it on: "550 5.1.1 no such user here". One printable line.
[[nodiscard]] std::string action_for(const verdict& v);

} // namespace homeward::milter::delegation
