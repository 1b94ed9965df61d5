#include <gmock/gmock.h>

#include "lib/directory/replica.hpp"
#include "lib/directory/resolve.hpp"

#include "tests/unit/directory/directory_support.hpp"

namespace homeward::directory {
namespace {

using ::testing::HasSubstr;
using namespace testing; // NOLINT: the helpers above

class replica_test : public small_directory {
 protected:
  refresh_report refresh() { return must(replica_.refresh(*engine_)); }
  // "server/directory" of a mailbox, or what else the replica says.
  std::string home_of(const std::string& mailbox) {
    const auto found = replica_.lookup(mailbox);
    if (const auto* h = std::get_if<found_home>(&found)) {
      EXPECT_EQ(h->mailbox, mailbox);
      EXPECT_EQ(h->primary_server->name, h->primary->id.server);
      return to_string(h->primary->id);
    }
    return std::holds_alternative<unavailable>(found) ? "unavailable" : "no such user";
  }
  std::vector<std::string> everything() {
    recorder r;
    replica_.view().each(r);
    std::sort(r.lines.begin(), r.lines.end());
    return r.lines;
  }
  std::vector<std::string> engine_says() {
    recorder r;
    must(engine_->load(r));
    std::sort(r.lines.begin(), r.lines.end());
    return r.lines;
  }

  manual_clock clock_;
  replica replica_{clock_};
};

TEST_F(replica_test, never_filled_knows_nothing_and_says_so) {
  EXPECT_EQ(home_of("ann@example.org"), "unavailable");
  EXPECT_FALSE(replica_.age());
  EXPECT_FALSE(replica_.view().complete());
  const auto answer = replica_.lookup("ann@example.org");
  EXPECT_EQ(std::get<unavailable>(answer).why.kind, failure_kind::transient);
}

TEST_F(replica_test, only_a_complete_one_says_no_such_user) {
  const std::string gone = file + ".gone";
  std::filesystem::rename(file, gone);
  EXPECT_TRUE(replica_.refresh(*engine_).has_error());
  EXPECT_EQ(home_of("nobody@example.org"), "unavailable");
  std::filesystem::rename(gone, file);
  refresh();
  EXPECT_EQ(home_of("nobody@example.org"), "no such user");
  EXPECT_EQ(home_of("ann@example.org"), "store1/mail1");
}

TEST_F(replica_test, gives_everything_that_delivery_needs) {
  set_user({.mailbox = "ann@example.org",
            .where = {.primary = {"store1", "mail1"},
                      .secondary = {{"store2", "mail1"}},
                      .quota = 2_GiB,
                      .state = user_state::disabled}});
  refresh();
  const auto answer = replica_.lookup("ann@example.org");
  const auto& h = std::get<found_home>(answer);
  EXPECT_EQ(h.primary_server->endpoints.at(0), "127.0.0.1:2401");
  ASSERT_NE(h.secondary, nullptr);
  EXPECT_EQ(h.secondary_server->name, "store2");
  EXPECT_EQ(h.quota, 2_GiB);
  EXPECT_EQ(h.state, user_state::disabled);
  EXPECT_EQ(h.epoch, 2U);
}

TEST_F(replica_test, follows_changes_without_reading_everything) {
  EXPECT_TRUE(refresh().reloaded);
  EXPECT_EQ(refresh().changed, 0U);
  add_users({user_on("bob@example.org", "store2")});
  remove_user("ann@example.org");
  {
    auto e = must(engine_->begin());
    must(e->add(server{.name = "store3", .endpoints = {"h:1"}}));
    must(e->add(partition{.id = {"store3", "mail1"}}));
    must(e->add(user_on("eve@example.org", "store3")));
    must(e->set(partition{.id = {"store2", "mail1"}, .state = partition_state::offline}));
    must(e->set(server{.name = "store2", .endpoints = {"moved:2"}}));
    must(e->commit());
  }
  const auto report = refresh();
  EXPECT_FALSE(report.reloaded);
  EXPECT_EQ(home_of("ann@example.org"), "no such user");
  EXPECT_EQ(home_of("eve@example.org"), "store3/mail1");
  EXPECT_EQ(everything(), engine_says());
  const auto bob = replica_.lookup("bob@example.org");
  EXPECT_EQ(std::get<found_home>(bob).primary->state, partition_state::offline);
  EXPECT_EQ(std::get<found_home>(bob).primary_server->endpoints.at(0), "moved:2");
}

TEST_F(replica_test, removed_places_are_gone_and_may_come_back) {
  refresh();
  remove_user("ann@example.org");
  {
    auto e = must(engine_->begin());
    must(e->remove_partition({"store1", "mail1"}));
    must(e->remove_server("store1"));
    must(e->commit());
  }
  EXPECT_FALSE(refresh().reloaded);
  EXPECT_EQ(everything(), engine_says());
  {
    auto e = must(engine_->begin());
    must(e->add(server{.name = "store1", .endpoints = {"again:1"}}));
    must(e->add(partition{.id = {"store1", "mail1"}}));
    must(e->add(user_on("ann@example.org", "store1")));
    must(e->commit());
  }
  EXPECT_FALSE(refresh().reloaded);
  EXPECT_EQ(everything(), engine_says());
  const auto ann = replica_.lookup("ann@example.org");
  EXPECT_EQ(std::get<found_home>(ann).primary_server->endpoints.at(0), "again:1");
  EXPECT_EQ(std::get<found_home>(ann).epoch, 2U);
}

TEST_F(replica_test, goes_on_with_the_last_state_while_the_engine_is_away) {
  refresh();
  clock_.pass(std::chrono::seconds(5));
  EXPECT_EQ(replica_.age(), std::chrono::seconds(5));
  std::filesystem::rename(file, file + ".gone");
  clock_.pass(std::chrono::seconds(7));
  EXPECT_TRUE(replica_.refresh(*engine_).has_error());
  EXPECT_EQ(home_of("ann@example.org"), "store1/mail1");
  EXPECT_EQ(home_of("nobody@example.org"), "no such user");
  EXPECT_EQ(replica_.age(), std::chrono::seconds(12)) << "its age is stated";
  std::filesystem::rename(file + ".gone", file);
  refresh();
  EXPECT_EQ(replica_.age(), std::chrono::seconds(0));
}

TEST_F(replica_test, another_generation_is_read_whole) {
  refresh();
  const std::string backup = folder_ / "backup.db";
  must(engine_->backup(backup));
  add_users({user_on("bob@example.org", "store2")});
  refresh();
  must(engine_->restore(backup));
  const auto report = refresh();
  EXPECT_TRUE(report.reloaded);
  EXPECT_EQ(home_of("bob@example.org"), "no such user");
  EXPECT_EQ(home_of("ann@example.org"), "store1/mail1");
}

TEST_F(replica_test, a_view_does_not_change_under_its_holder) {
  refresh();
  const auto view = replica_.view();
  const auto answer = view.lookup("ann@example.org");
  remove_user("ann@example.org");
  refresh();
  EXPECT_EQ(home_of("ann@example.org"), "no such user");
  EXPECT_TRUE(std::holds_alternative<found_home>(view.lookup("ann@example.org")));
  EXPECT_EQ(std::get<found_home>(answer).primary_server->name, "store1");
}

TEST_F(replica_test, grows_by_changes_alone) {
  refresh();
  std::vector<user> many;
  for (int i = 0; i < 140'000; ++i) {
    many.push_back(user_on(std::to_string(i) + "@example.org", i % 2 == 0 ? "store1" : "store2"));
  }
  add_users(many);
  EXPECT_FALSE(refresh().reloaded);
  EXPECT_EQ(replica_.view().users(), 140'001U);
  EXPECT_EQ(home_of("123456@example.org"), "store1/mail1");
  EXPECT_EQ(home_of("139999@example.org"), "store2/mail1");
  EXPECT_EQ(home_of("140000@example.org"), "no such user");
  remove_user("123456@example.org");
  refresh();
  EXPECT_EQ(home_of("123456@example.org"), "no such user");
  EXPECT_EQ(replica_.view().users(), 140'000U);
  EXPECT_LT(replica_.view().memory(), 140'000U * 100U);
}

// An engine that gives what the test wants.
class scripted_engine final : public engine {
 public:
  [[nodiscard]] std::string description() const override { return "scripted"; }
  [[nodiscard]] result<position> load(receiver& into) override {
    ++loads;
    for (const auto& s : servers_) {
      into.put(s);
    }
    for (const auto& p : partitions_) {
      into.put(p);
    }
    into.expect_users(users_.size());
    for (const auto& u : users_) {
      into.put(u);
    }
    return position{"g", change};
  }
  [[nodiscard]] result<std::optional<position>> changes_since(const position& /*known*/,
                                                              receiver& into) override {
    for (const auto& u : changed_) {
      into.put(u);
    }
    return std::optional(position{"g", change});
  }
  [[nodiscard]] result<std::vector<server>> servers() override { return servers_; }
  [[nodiscard]] result<std::vector<partition>> partitions() override { return partitions_; }
  [[nodiscard]] result<std::vector<partition_use>> usage() override {
    return std::vector<partition_use>{};
  }
  [[nodiscard]] result<std::optional<user>> find_user(std::string_view /*mailbox*/) override {
    return std::optional<user>{};
  }
  [[nodiscard]] result<void> each_user(const user_filter& /*filter*/,
                                       const std::function<bool(const user&)>& /*visit*/) override {
    return {};
  }
  [[nodiscard]] result<std::unique_ptr<edit>> begin() override {
    return transient_failure("read only");
  }

  std::vector<server> servers_ = {{.name = "s"}};
  std::vector<partition> partitions_ = {{.id = {"s", "mail1"}}};
  std::vector<user> users_ = {user_on("ann", "s")};
  std::vector<user> changed_;
  std::uint64_t change = 1;
  int loads = 0;
};

TEST(replica_with_a_bad_source, keeps_what_it_has) {
  manual_clock clock;
  replica r(clock);
  scripted_engine source;
  must(r.refresh(source));
  source.change = 2;
  source.changed_ = {user_on("bob", "nowhere")};
  source.users_ = {user_on("ann", "nowhere")};
  const auto refused = r.refresh(source);
  EXPECT_THAT(words(refused), HasSubstr("user ann lives on a partition that does not exist"));
  EXPECT_THAT(words(refused), HasSubstr("homewardctl directory check"));
  EXPECT_EQ(source.loads, 2) << "changes that do not fit make it read everything first";
  EXPECT_TRUE(std::holds_alternative<found_home>(r.lookup("ann")));
  EXPECT_EQ(r.view().at().change, 1U);
}

TEST(replica_with_a_bad_source, refuses_a_user_twice_and_a_partition_without_server) {
  manual_clock clock;
  replica r(clock);
  scripted_engine source;
  source.users_ = {user_on("ann", "s"), user_on("ann", "s")};
  EXPECT_THAT(words(r.refresh(source)), HasSubstr("a user is there twice"));
  source.users_.pop_back();
  source.partitions_.push_back({.id = {"t", "mail1"}});
  EXPECT_THAT(words(r.refresh(source)), HasSubstr("on a server that does not exist"));
  EXPECT_FALSE(r.view().complete());
}

TEST_F(replica_test, address_rules_are_applied_in_order) {
  add_users(
      {user_on("ann+lists@example.org", "store2"), user_on("root@default.example", "store2")});
  refresh();
  const mail::address_rules rules{.default_domain = "default.example"};
  const auto home = [&](const char* local, const char* domain) {
    const auto found = resolve(replica_.view(), rules, {.local = local, .domain = domain});
    const auto* h = std::get_if<found_home>(&found);
    return h == nullptr ? std::string("-") : h->mailbox;
  };
  EXPECT_EQ(home("ann", "example.org"), "ann@example.org");
  EXPECT_EQ(home("Ann", "EXAMPLE.org"), "ann@example.org");
  EXPECT_EQ(home("ann+x", "example.org"), "ann@example.org");
  EXPECT_EQ(home("ann+lists", "example.org"), "ann+lists@example.org") << "the whole part first";
  EXPECT_EQ(home("root", ""), "root@default.example");
  EXPECT_EQ(home("bob", "example.org"), "-");
  EXPECT_TRUE(std::holds_alternative<unavailable>(
      resolve(replica_view{}, rules, {.local = "ann", .domain = "example.org"})));
}

TEST_F(replica_test, catch_all_gets_what_nobody_has) {
  auto gone = user_on("gone@example.org", "store2");
  gone.where.state = user_state::disabled;
  add_users({gone, user_on("rest@example.org", "store2")});
  refresh();
  const mail::address_rules rules{
      .catch_all = {{"example.org", "rest@example.org"}, {"example.net", "absent@example.net"}}};
  const auto home = [&](const char* local, const char* domain) {
    const auto found = resolve(replica_.view(), rules, {.local = local, .domain = domain});
    const auto* h = std::get_if<found_home>(&found);
    return h == nullptr ? std::string("-") : h->mailbox;
  };
  EXPECT_EQ(home("ann", "example.org"), "ann@example.org");
  EXPECT_EQ(home("typo", "example.org"), "rest@example.org");
  EXPECT_EQ(home("gone", "example.org"), "gone@example.org") << "disabled is not unknown";
  EXPECT_EQ(home("typo", "example.net"), "-") << "a catch-all that does not exist catches nothing";
}

} // namespace
} // namespace homeward::directory
