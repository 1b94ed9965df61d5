#include <map>
#include <string>

#include <gtest/gtest.h>

#include "milter/knowledge/memory.hpp"
#include "tests/unit/bridge/small_directory.hpp"

namespace homeward::milter {
namespace {

using namespace std::chrono_literals;
using standing = recipient_standing;

constexpr const char* farm = R"(
servers:
  - {name: store1, endpoints: ["127.0.0.1:2400"]}
  - {name: nfs}
partitions:
  - {server: store1, directory: mail1}
  - {server: store1, directory: gone, state: offline}
  - {server: nfs, directory: old, kind: path, path: /srv/old}
users:
  - {mailbox: ann@example.org, home: store1/mail1, quota: 1 MiB}
  - {mailbox: bob@example.org, home: store1/mail1}
  - {mailbox: eve@example.org, home: store1/gone}
  - {mailbox: old@example.org, home: nfs/old, quota: 1 MiB}
  - {mailbox: off@example.org, home: store1/mail1, state: disabled}
  - {mailbox: dan@example.com, home: store1/mail1}
)";

class told_stores final : public store_sight {
 public:
  [[nodiscard]] store_health health(std::string_view server) const override {
    return server == "store1" ? state : store_health::unknown;
  }
  [[nodiscard]] std::optional<mailbox_usage> usage(std::string_view server, std::string_view prtn,
                                                   std::string_view mailbox) const override {
    const auto found =
        usages.find(std::string(server) + '/' + std::string(prtn) + ' ' + std::string(mailbox));
    return found == usages.end() ? std::nullopt : std::optional(found->second);
  }
  store_health state = store_health::up;
  std::map<std::string, mailbox_usage> usages;
};

class memory_test : public testing::Test {
 protected:
  void SetUp() override { directory_.write(farm); }

  [[nodiscard]] memory::sources sources() {
    return {.directory = [this] { return loaded_ ? directory_.view() : directory::replica_view(); },
            .aliases = [this] { return std::make_shared<const elsewhere>(aliases_); },
            .stores = stores_};
  }
  [[nodiscard]] recipient_facts facts(const std::string& address, memory_settings s = {}) {
    memory m(sources(), std::move(s));
    return m.facts_of(*mail::parse_address(address, mail::charset::utf8));
  }
  [[nodiscard]] standing stands(const std::string& address, memory_settings s = {}) {
    return facts(address, std::move(s)).standing;
  }
  void alias(std::string_view text, alias_format format = alias_format::aliases) {
    aliases_.tables.push_back(std::make_shared<const alias_names>(parse_alias_names(text, format)));
  }
  void forward(const std::string& local) {
    aliases_.forwards.push_back(std::make_shared<const name_set>(name_set{local}));
  }

  tests::small_directory directory_;
  bool loaded_ = true;
  elsewhere aliases_;
  told_stores stores_;
};

TEST_F(memory_test, joins_what_is_known_of_a_user) {
  stores_.usages["store1/mail1 ann@example.org"] = {.used = 9_MiB, .limit = 8_MiB, .age = 3s};
  EXPECT_EQ(facts("Ann+lists@Example.ORG"),
            (recipient_facts{.standing = standing::known,
                             .mailbox = "ann@example.org",
                             .store = "store1",
                             .partition = "mail1",
                             .store_up = store_health::up,
                             .usage = mailbox_usage{.used = 9_MiB, .limit = 1_MiB, .age = 3s}}))
      << "the directory owns the limit";
}

TEST_F(memory_test, a_user_without_limit_is_never_full) {
  stores_.usages["store1/mail1 bob@example.org"] = {.used = 9_MiB, .limit = 8_MiB, .age = 3s};
  EXPECT_FALSE(facts("bob@example.org").usage);
}

TEST_F(memory_test, says_what_keeps_mail_from_a_user) {
  EXPECT_EQ(stands("off@example.org"), standing::disabled);
  EXPECT_EQ(stands("nobody@example.org"), standing::unknown);
  EXPECT_TRUE(facts("eve@example.org").partition_offline);
  stores_.state = store_health::down;
  EXPECT_EQ(facts("ann@example.org").store_up, store_health::down);
  EXPECT_EQ(facts("old@example.org").store_up, store_health::unknown) << "it has no store";
}

TEST_F(memory_test, other_domains_are_none_of_its_business) {
  EXPECT_EQ(stands("nobody@example.net"), standing::elsewhere);
  EXPECT_EQ(stands("nobody@sub.example.org"), standing::elsewhere);
  EXPECT_EQ(stands("nobody@EXAMPLE.com"), standing::unknown);
  EXPECT_EQ(stands("nobody"), standing::elsewhere);
  EXPECT_EQ(stands("nobody", {.addresses = {.default_domain = "example.org"}}), standing::unknown);
}

TEST_F(memory_test, more_domains_by_setting) {
  EXPECT_EQ(stands("nobody@new.example", {.domains = {"New.Example"}}), standing::unknown);
  EXPECT_EQ(stands("nobody@example.org", {.domains = {"new.example"}}), standing::unknown);
  mail::address_rules rules;
  rules.catch_all = {{.domain = "all.example", .mailbox = "ann@example.org"}};
  EXPECT_EQ(stands("any@all.example", {.addresses = rules}), standing::known);
}

TEST_F(memory_test, an_alias_or_forward_leaves_everybody_to_the_mta) {
  alias("info: ann\nann: x\noff: x\n");
  forward("dan");
  for (const char* address : {"info@example.org", "ann@example.org", "off@example.org",
                              "INFO+x@example.com", "dan@example.com", "dan+x@example.org"}) {
    EXPECT_EQ(stands(address), standing::elsewhere) << address;
  }
  EXPECT_EQ(stands("nobody@example.org"), standing::unknown);
}

TEST_F(memory_test, names_without_domain_apply_to_the_alias_domains) {
  alias("info: ann\n");
  forward("fwd");
  aliases_.accounts = std::make_shared<const name_set>(name_set{"root"});
  const memory_settings only_com{.alias_domains = {"Example.COM"}};
  for (const std::string local : {"info", "fwd", "root"}) {
    EXPECT_EQ(stands(local + "@example.com", only_com), standing::elsewhere) << local;
    EXPECT_EQ(stands(local + "@example.org", only_com), standing::unknown) << local;
  }
  alias("sales@example.org ann\n", alias_format::postfix);
  EXPECT_EQ(stands("sales@example.org", only_com), standing::elsewhere);
}

TEST_F(memory_test, accounts_matter_where_the_directory_does_not_know_better) {
  aliases_.accounts = std::make_shared<const name_set>(name_set{"ann", "off", "root"});
  EXPECT_EQ(stands("ann@example.org"), standing::known);
  EXPECT_EQ(stands("off@example.org"), standing::elsewhere);
  EXPECT_EQ(stands("root@example.org"), standing::elsewhere);
}

TEST_F(memory_test, with_a_missing_source_nobody_is_refused_for_good) {
  aliases_.missing = {"/etc/aliases"};
  stores_.usages["store1/mail1 ann@example.org"] = {.used = 9_MiB, .limit = 8_MiB, .age = 3s};
  EXPECT_EQ(stands("nobody@example.org"), standing::unavailable);
  EXPECT_EQ(stands("off@example.org"), standing::unavailable);
  EXPECT_EQ(facts("nobody@example.org").missing, "the alias table");
  EXPECT_EQ(stands("ann@example.org"), standing::known);
  EXPECT_FALSE(facts("ann@example.org").usage) << "the mail may be meant for somebody else";
  EXPECT_EQ(stands("nobody@example.net"), standing::elsewhere);
}

TEST_F(memory_test, without_a_directory_nothing_is_unknown) {
  loaded_ = false;
  const recipient_facts ours = facts("nobody@example.org", {.domains = {"example.org"}});
  EXPECT_EQ(ours.standing, standing::unavailable);
  EXPECT_TRUE(ours.domain_is_ours);
  EXPECT_EQ(ours.missing, "the user directory");
  const recipient_facts whose = facts("nobody@example.net", {.domains = {"example.org"}});
  EXPECT_EQ(whose.standing, standing::unavailable);
  EXPECT_FALSE(whose.domain_is_ours);
  alias("info: x\n");
  EXPECT_EQ(stands("info@example.org"), standing::elsewhere);
}

TEST_F(memory_test, between_the_directory_and_its_domains_nothing_is_unknown_either) {
  loaded_ = false;
  memory m(sources(), {});
  loaded_ = true;
  const auto ask = [&](const char* address) {
    return m.facts_of(*mail::parse_address(address, mail::charset::utf8));
  };
  EXPECT_FALSE(m.complete());
  EXPECT_EQ(ask("nobody@example.net").standing, standing::unavailable);
  EXPECT_FALSE(ask("nobody@example.net").domain_is_ours);
  EXPECT_EQ(ask("ann@example.org").standing, standing::known);
  m.refresh_domains();
  EXPECT_TRUE(m.complete());
  EXPECT_TRUE(m.has_domain("Example.COM"));
  EXPECT_FALSE(m.has_domain("example.net"));
  EXPECT_EQ(ask("nobody@example.net").standing, standing::elsewhere);
  EXPECT_EQ(ask("nobody@example.org").standing, standing::unknown);
}

} // namespace
} // namespace homeward::milter
