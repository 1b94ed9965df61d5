#pragma once
// The rules: from what is known about a recipient to what its MTA is told. All doors (milter,
// policy server) ask here, so they cannot disagree. Pure; any thread.
//
// Two principles stand above the settings. A fault of ours is never a permanent refusal. What the
// rules do not understand passes: the MTA and the store behind it still have their say.

#include <chrono>
#include <cstdint>
#include <string_view>
#include <variant>

#include "lib/base/byte_count.hpp"
#include "lib/mail/reply.hpp"

#include "milter/policy/facts.hpp"

namespace homeward::milter {

// No objection of ours; the MTA goes on as if we were not there.
struct pass {
  friend bool operator==(const pass&, const pass&) = default;
};
// For good: the reply is 5xx.
struct refuse {
  mail::reply reply;
  friend bool operator==(const refuse&, const refuse&) = default;
};
// For now: the reply is 4xx, and the sender keeps the message.
struct try_later {
  mail::reply reply;
  friend bool operator==(const try_later&, const try_later&) = default;
};

using verdict = std::variant<pass, refuse, try_later>;

// The reply of a verdict, or null for `pass`.
[[nodiscard]] const mail::reply* reply_of(const verdict& v);

// What a rule may do; which of them is possible depends on the rule.
enum class reaction : std::uint8_t {
  pass,      // nothing: the MTA queues, the store decides
  try_later, // 4xx
  refuse,    // 5xx
};

// The settings of the rules.
struct rules {
  reaction unknown_user = reaction::refuse; // refuse, or try_later while users are being moved in
  reaction full_mailbox = reaction::try_later;
  // Usage that a store counted longer ago than this is not believed.
  std::chrono::seconds usage_believed{300};
  reaction store_down = reaction::pass; // pass or try_later; the same for an offline partition
};

// `announced` is the size of the message as the sender declared it (SIZE=), 0 if it did not: with
// it a mailbox that has no room for just this message counts as full.
[[nodiscard]] verdict judge(const recipient_facts& facts, const rules& by,
                            byte_count announced = byte_count{});

// The verdict on a sender that is over its rate (sender_rate.hpp).
[[nodiscard]] verdict over_rate();

// One word for the log and for counters: "pass", "unknown", "full", "disabled", "rate", or
// "unavailable" for every other 451.
[[nodiscard]] std::string_view name_of(const verdict& v);

} // namespace homeward::milter
