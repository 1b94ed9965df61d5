#include <functional>
#include <optional>
#include <sstream>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include "lib/store_client/store_client.hpp"

#include "tests/unit/store_client/scripted_store.hpp"

using namespace homeward;
using namespace homeward::tests;
using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace sp = store_protocol;

namespace {

class store_client_test : public testing::Test {
 protected:
  void run(std::function<asio::awaitable<void>()> body) {
    client.emplace(context, settings);
    bool done = false;
    asio::co_spawn(context, finish_after(body, done), asio::detached);
    context.run_for(20s);
    ASSERT_TRUE(done) << "the test body did not come to its end";
  }

  // `mailboxes` are separated by blanks.
  asio::awaitable<std::vector<sp::outcome>> deliver(const std::string& mailboxes,
                                                    const std::string& partition = "mail1",
                                                    std::chrono::nanoseconds wait = 5s) {
    return deliver_to(store.where(), mailboxes, partition, wait);
  }

  // No coroutine itself: gcc 12 cannot have initialiser lists in one.
  asio::awaitable<std::vector<sp::outcome>> deliver_to(const net::endpoint& where,
                                                       const std::string& mailboxes,
                                                       const std::string& partition = "mail1",
                                                       std::chrono::nanoseconds wait = 5s) {
    auto message =
        std::make_shared<const fs::message_spool>(std::string("Subject: x\r\n\r\nhi\r\n"));
    sp::envelope e;
    e.size.octets = message->size();
    e.name = {.seconds = 1, .key = "k", .origin = "mx"};
    e.partition = partition;
    e.has_sender = true;
    std::istringstream in(mailboxes);
    for (std::string m; in >> m;) {
      e.recipients.push_back({.mailbox = m});
    }
    return client->deliver({"store1", {where}}, e, message,
                           std::chrono::steady_clock::now() + wait);
  }

  asio::io_context context;
  scripted_store store{context};
  store_client::settings settings;
  std::optional<store_client::store_client> client;

 private:
  asio::awaitable<void> finish_after(std::function<asio::awaitable<void>()> body, bool& done) {
    co_await body();
    client->shut_down();
    store.stop();
    done = true;
  }
};

} // namespace

TEST_F(store_client_test, delivers_and_reuses_the_connection) {
  run([&]() -> asio::awaitable<void> {
    for (int i = 0; i < 5; ++i) {
      const auto outcomes = co_await deliver("ann@y bob@y");
      EXPECT_EQ(outcomes.size(), 2U);
      EXPECT_TRUE(outcomes[0] && outcomes[1]);
      EXPECT_EQ(outcomes[0]->name, "1.k.mx");
    }
    EXPECT_EQ(store.connections, 1U);
    EXPECT_EQ(client->figures().at("store1").connects, 1U);
    EXPECT_EQ(store.messages.back().message, "Subject: x\r\n\r\nhi\r\n");
  });
}

TEST_F(store_client_test, each_recipient_gets_the_outcome_the_store_told_for_it) {
  store.next({.text = "+OK [STORED name=1.k.mx] <a@y> stored\r\n-ERR [QUOTA] <b@y> full\r\n"
                      "-ERR [MOVED store2/mail7] <c@y> gone\r\n"});
  run([&]() -> asio::awaitable<void> {
    const auto o = co_await deliver("a@y b@y c@y");
    EXPECT_TRUE(o[0]);
    EXPECT_EQ(o[1].error().reason, failure_reason::quota);
    EXPECT_EQ(o[2].error().detail, "store2/mail7");
    EXPECT_EQ(store.messages.size(), 1U);
  });
}

TEST_F(store_client_test,
       a_lost_reply_is_repeated_once_with_the_same_name_for_the_open_recipients) {
  store.next({.text = "+OK [STORED name=1.k.mx] <a@y> stored\r\n", .hang_up = true});
  run([&]() -> asio::awaitable<void> {
    const auto o = co_await deliver("a@y b@y");
    EXPECT_TRUE(o[0] && o[1]);
    EXPECT_EQ(store.messages.size(), 2U);
    EXPECT_EQ(store.messages[0].name, store.messages[1].name);
    EXPECT_EQ(store.messages[1].recipients.size(), 1U);
    EXPECT_EQ(store.messages[1].recipients[0], store.messages[0].recipients[1]);
    EXPECT_EQ(store.connections, 2U);
  });
}

TEST_F(store_client_test, two_lost_replies_are_an_unknown_outcome) {
  store.next({.hang_up = true});
  store.next({.hang_up = true});
  run([&]() -> asio::awaitable<void> {
    const auto o = co_await deliver("a@y");
    EXPECT_FALSE(o[0]);
    EXPECT_EQ(o[0].error().kind, failure_kind::unknown_outcome);
    EXPECT_EQ(store.messages.size(), 2U);
  });
}

TEST_F(store_client_test, a_reply_too_many_makes_the_connection_unusable) {
  store.next(
      {.text =
           "+OK [STORED name=1.k.mx] <a@y> stored\r\n+OK [STORED name=1.k.mx] <a@y> surplus\r\n"});
  run([&]() -> asio::awaitable<void> {
    const auto first = co_await deliver("a@y");
    const auto second = co_await deliver("b@y");
    EXPECT_TRUE(second[0]);
    EXPECT_EQ(store.connections, 2U);
    EXPECT_NE(store.messages.back().recipients.front().find("b@y"), std::string::npos);
  });
}

TEST_F(store_client_test, a_silent_store_is_given_up_in_time) {
  settings.results = 1s;
  store.next({.hang = true});
  store.next({.hang = true});
  run([&]() -> asio::awaitable<void> {
    const auto o = co_await deliver("a@y", "mail1", 3s);
    EXPECT_FALSE(o[0]);
    EXPECT_EQ(o[0].error().kind, failure_kind::unknown_outcome);
  });
}

TEST_F(store_client_test, a_stuck_partition_leaves_connections_for_its_neighbours) {
  settings.connections = 3;
  settings.connections_per_partition = 1;
  settings.results = 2s;
  store.next({.hang = true});
  run([&]() -> asio::awaitable<void> {
    std::optional<std::vector<sp::outcome>> stuck;
    std::optional<std::vector<sp::outcome>> behind;
    const auto into = [&](auto& slot, std::chrono::nanoseconds wait) -> asio::awaitable<void> {
      slot = co_await deliver("a@y", "stuck", wait);
    };
    asio::co_spawn(context, into(stuck, 1500ms), asio::detached);
    asio::co_spawn(context, into(behind, 500ms), asio::detached);
    const auto neighbour = co_await deliver("b@y", "healthy");
    EXPECT_TRUE(neighbour[0]);
    EXPECT_FALSE(stuck.has_value());
    asio::steady_timer timer(context);
    while (!stuck || !behind) {
      timer.expires_after(10ms);
      co_await timer.async_wait(asio::use_awaitable);
    }
    EXPECT_EQ((*behind)[0].error().what, "store store1 is too busy");
  });
}

TEST_F(store_client_test, a_store_that_is_down_is_refused_at_once_and_comes_back_by_itself) {
  settings.breaker.first_delay = 200ms;
  settings.times.client_connect = 1s;
  run([&]() -> asio::awaitable<void> {
    net::endpoint nowhere;
    nowhere.path = "/tmp/homeward-nobody-" + std::to_string(::getpid());
    for (int i = 0; i < 3; ++i) {
      const auto o = co_await deliver_to(nowhere, "a@y");
      EXPECT_NE(o[0].error().what.find("cannot reach"), std::string::npos);
    }
    const auto o = co_await deliver_to(nowhere, "a@y");
    EXPECT_EQ(o[0].error().what, "store store1 is down");
    EXPECT_EQ(o[0].error().kind, failure_kind::transient);
    // The address is corrected in the directory: the next delivery tells the pool.
    asio::steady_timer timer(context);
    for (int i = 0; i < 500; ++i) {
      const auto again = co_await deliver("a@y");
      if (again[0]) {
        co_return;
      }
      timer.expires_after(10ms);
      co_await timer.async_wait(asio::use_awaitable);
    }
    ADD_FAILURE() << "the store was not found to be up again";
  });
}
