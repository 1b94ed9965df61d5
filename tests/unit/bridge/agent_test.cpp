#include <functional>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/thread_pool.hpp>
#include <gtest/gtest.h>

#include "lib/fs/real_file_system.hpp"

#include "lmtp-bridge/delivery/agent.hpp"
#include "tests/unit/bridge/small_directory.hpp"
#include "tests/unit/store_client/scripted_store.hpp"

namespace homeward::bridge {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

class agent_test : public testing::Test {
 protected:
  agent_test() { write_directory("store1/mail1", "store2/mail1"); }

  void write_directory(const std::string& ann, const std::string& bob) {
    directory_.write("servers:\n  - {name: store1, endpoints: [\"" + to_string(store1_.where()) +
                     "\"]}\n  - {name: store2, endpoints: [\"" + to_string(store2_.where()) +
                     "\"]}\npartitions:\n  - {server: store1, directory: mail1}\n"
                     "  - {server: store1, directory: mail2}\n"
                     "  - {server: store2, directory: mail1}\nusers:\n"
                     "  - {mailbox: ann@y.org, home: " +
                     ann + "}\n  - {mailbox: bob@y.org, home: " + bob + "}\n");
  }

  delivery::agent_parts parts() {
    return {.current_router =
                [this] {
                  return std::make_shared<const router>([this] { return directory_.view(); },
                                                        mail::address_rules());
                },
            .current_replies = [] { return mail::reply_policy(); },
            .refresh_directory = [this] { refresh_(); },
            .stores = *stores_,
            .paths = paths_,
            .workers = workers_,
            .clock = directory_.clock(),
            .origin = "mx",
            .whole_wait = 5s};
  }

  // Delivers one message to these mailboxes and returns the replies as they go on the wire.
  std::vector<std::string> deliver(const std::vector<std::string>& mailboxes) {
    stores_.emplace(context_, settings_);
    agent_.emplace(parts());
    delivery::incoming mail;
    mail.message =
        std::make_shared<const fs::message_spool>(std::string("Subject: x\r\n\r\nhi\r\n"));
    mail.key = "k1";
    for (const std::string& m : mailboxes) {
      mail.envelope.recipients.push_back({.path = m, .mailbox = m});
    }
    std::vector<std::string> replies;
    asio::co_spawn(context_, run(std::move(mail), replies), asio::detached);
    context_.run_for(20s);
    return replies;
  }

  asio::io_context context_;
  tests::scripted_store store1_{context_};
  tests::scripted_store store2_{context_};
  tests::small_directory directory_;
  fs::real_file_system files_;
  path_homes paths_{files_, maildir::path_template()};
  asio::thread_pool workers_{1};
  store_client::settings settings_;
  std::optional<store_client::store_client> stores_;
  std::optional<delivery::agent> agent_;
  std::function<void()> refresh_ = [] {};

 private:
  asio::awaitable<void> run(delivery::incoming mail, std::vector<std::string>& replies) {
    const std::vector<mail::reply> outcomes = co_await agent_->deliver(std::move(mail));
    for (const mail::reply& r : outcomes) {
      replies.push_back(mail::encode(r));
    }
    stores_->shut_down();
    store1_.stop();
    store2_.stop();
  }
};

TEST_F(agent_test, one_reply_per_recipient_in_order_telling_where_the_mail_went) {
  const auto replies = deliver({"bob@y.org", "ann@y.org"});
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_NE(replies[0].find("250 2.0.0 stored as "), std::string::npos) << replies[0];
  EXPECT_NE(replies[0].find(".k1.mx on store2/mail1"), std::string::npos) << replies[0];
  EXPECT_NE(replies[1].find(".k1.mx on store1/mail1"), std::string::npos) << replies[1];
  EXPECT_EQ(store1_.messages.size(), 1U);
  EXPECT_EQ(store2_.messages.size(), 1U);
  EXPECT_EQ(store1_.messages[0].name, store2_.messages[0].name);
}

TEST_F(agent_test, the_fault_of_one_store_is_told_to_its_recipients_only) {
  store1_.next({.text = "-ERR [FULL] <ann@y.org> no space\r\n"});
  const auto replies = deliver({"ann@y.org", "bob@y.org"});
  EXPECT_TRUE(replies[0].starts_with("452 4.3.1 ")) << replies[0];
  EXPECT_TRUE(replies[1].starts_with("250 ")) << replies[1];
}

TEST_F(agent_test, an_unknown_outcome_is_451_with_a_word_about_it) {
  store1_.next({.hang_up = true});
  store1_.next({.hang_up = true});
  const auto replies = deliver({"ann@y.org"});
  EXPECT_TRUE(replies[0].starts_with("451 4.4.2 ")) << replies[0];
}

TEST_F(agent_test, follows_a_mailbox_that_has_moved) {
  store1_.next({.text = "-ERR [MOVED store2/mail1] <ann@y.org> lives elsewhere\r\n"});
  refresh_ = [this] { write_directory("store2/mail1", "store2/mail1"); };
  const auto replies = deliver({"ann@y.org"});
  EXPECT_TRUE(replies[0].starts_with("250 ")) << replies[0];
  EXPECT_NE(replies[0].find("on store2/mail1"), std::string::npos) << replies[0];
  ASSERT_EQ(store2_.messages.size(), 1U);
  EXPECT_EQ(store2_.messages[0].name, store1_.messages[0].name);
}

TEST_F(agent_test, does_not_ask_the_same_store_again_while_the_directory_has_not_changed) {
  store1_.next({.text = "-ERR [MOVED store2/mail1] <ann@y.org> lives elsewhere\r\n"});
  const auto replies = deliver({"ann@y.org", "bob@y.org"});
  EXPECT_TRUE(replies[0].starts_with("451 ")) << replies[0];
  EXPECT_TRUE(replies[1].starts_with("250 ")) << replies[1];
  EXPECT_EQ(store1_.messages.size(), 1U);
}

TEST_F(agent_test, a_user_removed_since_rcpt_is_unknown) {
  const auto replies = deliver({"nobody@y.org", "ann@y.org"});
  EXPECT_TRUE(replies[0].starts_with("550 5.1.1 ")) << replies[0];
  EXPECT_TRUE(replies[1].starts_with("250 ")) << replies[1];
}

} // namespace
} // namespace homeward::bridge
