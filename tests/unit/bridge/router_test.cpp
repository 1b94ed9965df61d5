#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lmtp-bridge/routing/router.hpp"
#include "tests/unit/bridge/small_directory.hpp"

namespace homeward::bridge {
namespace {

constexpr const char* farm = R"(
servers:
  - {name: store1, endpoints: ["127.0.0.1:2400"]}
  - {name: store2, endpoints: ["127.0.0.1:2401"]}
partitions:
  - {server: store1, directory: mail1}
  - {server: store1, directory: mail2}
  - {server: store2, directory: mail1}
  - {server: store2, directory: gone, state: offline}
users:
  - {mailbox: ann@example.org, home: store1/mail1, quota: 1 MiB, epoch: 7}
  - {mailbox: bob@example.org, home: store1/mail2}
  - {mailbox: cat@example.org, home: store1/mail1}
  - {mailbox: dan@example.org, home: store2/mail1}
  - {mailbox: eve@example.org, home: store2/gone}
  - {mailbox: off@example.org, home: store1/mail1, state: disabled}
  - {mailbox: list+ann@example.org, home: store1/mail1}
)";

class router_test : public testing::Test {
 protected:
  void SetUp() override { directory_.write(farm); }

  [[nodiscard]] router make(mail::address_rules rules = {}) const {
    return {[this] { return directory_.view(); }, std::move(rules)};
  }
  // The mailbox, or the failure's words.
  [[nodiscard]] static std::string accepted(const router& r, std::string_view address) {
    const auto parsed = mail::parse_address(address, mail::charset::utf8);
    EXPECT_TRUE(parsed) << address;
    const auto answer = r.accept(*parsed);
    return answer ? answer->mailbox : answer.error().what;
  }
  [[nodiscard]] static std::vector<lmtp::recipient> recipients(std::vector<std::string> mailboxes) {
    std::vector<lmtp::recipient> list;
    for (std::string& m : mailboxes) {
      list.push_back({.path = m, .mailbox = m});
    }
    return list;
  }

  tests::small_directory directory_;
};

TEST_F(router_test, finds_users_by_the_address_rules) {
  const router r = make({.default_domain = "example.org"});
  EXPECT_EQ(accepted(r, "Ann@Example.ORG"), "ann@example.org");
  EXPECT_EQ(accepted(r, "ann+lists@example.org"), "ann@example.org");
  EXPECT_EQ(accepted(r, "list+ann@example.org"), "list+ann@example.org");
  EXPECT_EQ(accepted(r, "bob"), "bob@example.org");
}

TEST_F(router_test, says_for_good_who_is_unknown_or_disabled) {
  const router r = make();
  for (const char* address : {"nobody@example.org", "off@example.org", "ann@elsewhere.org"}) {
    const auto answer = r.accept(*mail::parse_address(address, mail::charset::utf8));
    ASSERT_FALSE(answer) << address;
    EXPECT_EQ(answer.error().kind, failure_kind::permanent);
    EXPECT_EQ(answer.error().reason, failure_reason::no_user);
  }
}

TEST_F(router_test, a_directory_that_was_never_seen_is_no_reason_to_refuse_for_good) {
  const router r([] { return directory::replica_view(); }, {});
  const auto answer = r.accept(*mail::parse_address("ann@example.org", mail::charset::utf8));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, failure_kind::transient);
}

TEST_F(router_test, recipients_of_one_partition_travel_together) {
  const route_plan plan = make().plan(
      recipients({"ann@example.org", "bob@example.org", "cat@example.org", "dan@example.org"}));
  ASSERT_EQ(plan.groups.size(), 3U);
  EXPECT_EQ(plan.groups[0].place(), "store1/mail1");
  ASSERT_EQ(plan.groups[0].recipients.size(), 2U);
  EXPECT_EQ(plan.groups[0].recipients[0].index, 0U);
  EXPECT_EQ(plan.groups[0].recipients[1].index, 2U);
  EXPECT_EQ(plan.groups[0].recipients[0].epoch, 7U);
  EXPECT_EQ(plan.groups[0].recipients[0].quota, 1_MiB);
  EXPECT_EQ(plan.groups[1].place(), "store1/mail2");
  EXPECT_EQ(plan.groups[2].place(), "store2/mail1");
  EXPECT_TRUE(plan.refused.empty());
}

TEST_F(router_test, an_offline_partition_is_try_later_and_disturbs_nobody) {
  const route_plan plan = make().plan(recipients({"eve@example.org", "ann@example.org"}));
  ASSERT_EQ(plan.refused.size(), 1U);
  EXPECT_EQ(plan.refused[0].first, 0U);
  EXPECT_EQ(plan.refused[0].second.kind, failure_kind::transient);
  EXPECT_NE(plan.refused[0].second.what.find("store2/gone is offline"), std::string::npos);
  ASSERT_EQ(plan.groups.size(), 1U);
  EXPECT_EQ(plan.groups[0].recipients[0].index, 1U);
}

TEST_F(router_test, a_user_who_moved_after_rcpt_is_found_in_the_new_home) {
  const router r = make();
  EXPECT_EQ(accepted(r, "ann@example.org"), "ann@example.org");
  directory_.write(R"(
servers: [{name: store2, endpoints: ["127.0.0.1:2401"]}]
partitions: [{server: store2, directory: mail1}]
users: [{mailbox: ann@example.org, home: store2/mail1, epoch: 8}]
)");
  const route_plan plan = r.plan(recipients({"ann@example.org", "bob@example.org"}));
  ASSERT_EQ(plan.groups.size(), 1U);
  EXPECT_EQ(plan.groups[0].place(), "store2/mail1");
  EXPECT_EQ(plan.groups[0].recipients[0].epoch, 8U);
  ASSERT_EQ(plan.refused.size(), 1U);
  EXPECT_EQ(plan.refused[0].second.reason, failure_reason::no_user);
}

} // namespace
} // namespace homeward::bridge
