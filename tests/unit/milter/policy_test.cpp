#include <ostream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "milter/policy/policy.hpp"

namespace homeward::milter {
namespace {

using namespace std::chrono_literals;
using standing = recipient_standing;

// What the client reads, or "" when nothing is said.
std::string said(const verdict& v) {
  const mail::reply* r = reply_of(v);
  return r == nullptr ? "" : mail::encode(*r).substr(0, 9);
}

recipient_facts known(store_health up = store_health::up) {
  return {.standing = standing::known,
          .mailbox = "ann@example.org",
          .store = "store1",
          .partition = "mail1",
          .store_up = up};
}

recipient_facts with_usage(std::uint64_t used, std::uint64_t limit, std::chrono::seconds age = 5s) {
  recipient_facts f = known();
  f.usage = mailbox_usage{.used = byte_count{used}, .limit = byte_count{limit}, .age = age};
  return f;
}

recipient_facts offline() {
  recipient_facts f = known();
  f.partition_offline = true;
  return f;
}

struct policy_case {
  std::string name;
  recipient_facts facts;
  rules by;
  std::uint64_t announced;
  std::string said; // "550 5.1.1"; empty: pass
};

void PrintTo(const policy_case& c, std::ostream* os) {
  *os << c.name;
}

class Policy : public testing::TestWithParam<policy_case> {};

TEST_P(Policy, Judges) {
  const policy_case& c = GetParam();
  EXPECT_EQ(said(judge(c.facts, c.by, byte_count{c.announced})), c.said);
}

const rules by_default;
const rules permanent{.full_mailbox = reaction::refuse, .store_down = reaction::try_later};
const rules lenient{.unknown_user = reaction::try_later, .full_mailbox = reaction::pass};

INSTANTIATE_TEST_SUITE_P(
    Table, Policy,
    testing::Values(
        policy_case{"elsewhere", {}, by_default, 0, ""},
        policy_case{"elsewhere, strict", {}, permanent, 1 << 30, ""},
        policy_case{"known", known(), by_default, 0, ""},
        policy_case{"unknown", {.standing = standing::unknown}, by_default, 0, "550 5.1.1"},
        policy_case{"unknown, lenient", {.standing = standing::unknown}, lenient, 0, "450 4.1.1"},
        policy_case{"unknown, pass",
                    {.standing = standing::unknown},
                    {.unknown_user = reaction::pass},
                    0,
                    ""},
        policy_case{"disabled", {.standing = standing::disabled}, by_default, 0, "550 5.2.1"},
        policy_case{"unavailable", {.standing = standing::unavailable}, by_default, 0, "451 4.3.0"},
        policy_case{"unavailable, whatever the settings say",
                    {.standing = standing::unavailable},
                    permanent,
                    0,
                    "451 4.3.0"},
        policy_case{"full", with_usage(100, 100), by_default, 0, "452 4.2.2"},
        policy_case{"over full", with_usage(200, 100), by_default, 0, "452 4.2.2"},
        policy_case{"full for good", with_usage(100, 100), permanent, 0, "552 5.2.2"},
        policy_case{"full is not our business", with_usage(100, 100), lenient, 0, ""},
        policy_case{"room for one octet", with_usage(99, 100), by_default, 1, ""},
        policy_case{"not for two", with_usage(99, 100), by_default, 2, "452 4.2.2"},
        policy_case{"size not announced", with_usage(99, 100), by_default, 0, ""},
        policy_case{"announced size without end", with_usage(99, 100), by_default, ~0ULL,
                    "452 4.2.2"},
        policy_case{"usage too old", with_usage(100, 100, 301s), by_default, 0, ""},
        policy_case{"usage just young enough", with_usage(100, 100, 300s), by_default, 0,
                    "452 4.2.2"},
        policy_case{"store down passes", known(store_health::down), by_default, 0, ""},
        policy_case{"store down, by setting", known(store_health::down), permanent, 0, "451 4.3.0"},
        policy_case{"store not asked yet", known(store_health::unknown), permanent, 0, ""},
        policy_case{"partition offline passes", offline(), by_default, 0, ""},
        policy_case{"partition offline, by setting", offline(), permanent, 0, "451 4.3.0"}));

TEST(PolicyWords, SayWhatIsMissing) {
  const verdict v =
      judge({.standing = standing::unavailable, .missing = "the alias table"}, by_default);
  EXPECT_THAT(reply_of(v)->text, testing::HasSubstr("the alias table is not available"));
}

// Reliability: a fault of ours is never 5xx, whatever the settings are.
TEST(PolicyWords, FaultsOfOursAreNeverPermanent) {
  for (const reaction unknown : {reaction::pass, reaction::try_later, reaction::refuse}) {
    for (const reaction full : {reaction::pass, reaction::try_later, reaction::refuse}) {
      for (const reaction down : {reaction::pass, reaction::try_later, reaction::refuse}) {
        const rules by{.unknown_user = unknown, .full_mailbox = full, .store_down = down};
        for (const recipient_facts& facts : {recipient_facts{.standing = standing::unavailable},
                                             known(store_health::down), offline()}) {
          EXPECT_FALSE(std::holds_alternative<refuse>(judge(facts, by)));
        }
      }
    }
  }
}

TEST(PolicyWords, Names) {
  EXPECT_EQ(name_of(pass{}), "pass");
  EXPECT_EQ(name_of(judge({.standing = standing::unknown}, by_default)), "unknown");
  EXPECT_EQ(name_of(judge({.standing = standing::unknown}, lenient)), "unknown");
  EXPECT_EQ(name_of(judge({.standing = standing::disabled}, by_default)), "disabled");
  EXPECT_EQ(name_of(judge(with_usage(1, 1), by_default)), "full");
  EXPECT_EQ(name_of(judge(with_usage(1, 1), permanent)), "full");
  EXPECT_EQ(name_of(judge(offline(), permanent)), "unavailable");
  EXPECT_EQ(name_of(over_rate()), "rate");
  EXPECT_EQ(said(over_rate()), "450 4.7.1");
}

} // namespace
} // namespace homeward::milter
