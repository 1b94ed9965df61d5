#include <functional>
#include <thread>

#include <gtest/gtest.h>

#include "lib/store_client/watch.hpp"

#include "tests/unit/store_client/scripted_store.hpp"

using namespace homeward;
using namespace homeward::tests;
using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace sc = store_client;

namespace {

const std::string with_full = "+OK [CAPA version=1] RSET NOOP PIPELINING RESULTS PARAMS LOAD FULL "
                              "SIZE=1000 SERVER=homeward/test\r\n";
const std::string load_12 = "+OK [LOAD busy=12 sessions=3 free=500 total=1000 version=9]\r\n";

std::string full_line(const std::string& mailbox, const std::string& used = "95",
                      const std::string& partition = "mail1") {
  return "+OK [USAGE partition=" + partition + " used=" + used + " limit=100 age=7] <" + mailbox +
         ">\r\n";
}

class watch_test : public testing::Test {
 protected:
  watch_test() {
    settings.interval = 20ms;
    settings.first_retry = 5ms;
    settings.patience = 2s;
    store.answer("CAPA", with_full);
    store.answer("NOOP", load_12);
    store.answer("FULL",
                 "+OK [USAGE count=2]\r\n" + full_line("ann@x") + full_line("bob@x", "130"));
    directory = {{"store1", {store.where()}}};
  }
  ~watch_test() override {
    watch.reset();
    store.stop();
    context.run_for(100ms);
  }

  void start() {
    watch.emplace(
        context, [this] { return directory; }, settings);
    watch->start();
  }
  // Runs until it holds; false when that takes absurdly long.
  bool soon(const std::function<bool()>& holds) {
    const auto give_up = std::chrono::steady_clock::now() + 20s;
    while (!holds() && std::chrono::steady_clock::now() < give_up) {
      context.run_for(5ms);
    }
    return holds();
  }
  bool soon(sc::store_state s) {
    return soon([&] { return watch->state_of("store1") == s; });
  }

  asio::io_context context;
  scripted_store store{context};
  std::vector<sc::store_address> directory;
  sc::watch_settings settings;
  std::optional<sc::watch> watch;
};

} // namespace

TEST_F(watch_test, knows_nothing_before_it_asked) {
  start();
  EXPECT_EQ(watch->state_of("store1"), sc::store_state::unknown);
  EXPECT_FALSE(watch->load_of("store1"));
  EXPECT_FALSE(watch->usage_of("store1", "mail1", "ann@x"));
}

TEST_F(watch_test, tells_state_load_and_the_full_mailboxes) {
  start();
  ASSERT_TRUE(soon(sc::store_state::up));
  EXPECT_EQ(watch->load_of("store1")->busy_percent, 12U);
  const auto bob = watch->usage_of("store1", "mail1", "bob@x");
  ASSERT_TRUE(bob);
  EXPECT_EQ(bob->used.octets, 130U);
  EXPECT_EQ(bob->limit.octets, 100U);
  EXPECT_GE(bob->age, 7s);
  EXPECT_TRUE(watch->usage_of("store1", "mail1", "ann@x"));
  EXPECT_FALSE(watch->usage_of("store1", "mail2", "ann@x")) << "of another partition";
  EXPECT_FALSE(watch->usage_of("store2", "mail1", "ann@x")) << "of another store";
  EXPECT_FALSE(watch->usage_of("store1", "mail1", "eve@x"));
  EXPECT_EQ(watch->stores().at("store1").full_mailboxes, 2U);
}

TEST_F(watch_test, keeps_one_connection_and_asks_again_and_again) {
  start();
  ASSERT_TRUE(soon([&] { return store.asked["FULL"] >= 5; }));
  EXPECT_EQ(store.connections, 1U);
  store.answer("FULL", "+OK [USAGE count=1]\r\n" + full_line("bob@x"));
  EXPECT_TRUE(soon([&] { return !watch->usage_of("store1", "mail1", "ann@x"); }))
      << "what is no longer named is no longer full";
  EXPECT_TRUE(watch->usage_of("store1", "mail1", "bob@x"));
}

TEST_F(watch_test, an_older_store_without_full_is_up_and_names_nobody) {
  store.answer("CAPA", "+OK [CAPA version=1] RSET NOOP PIPELINING RESULTS PARAMS LOAD\r\n");
  start();
  ASSERT_TRUE(soon(sc::store_state::up));
  EXPECT_EQ(watch->load_of("store1")->busy_percent, 12U);
  EXPECT_EQ(store.asked["FULL"], 0U);
  EXPECT_EQ(watch->stores().at("store1").full_mailboxes, 0U);
}

TEST_F(watch_test, a_base_store_is_up_when_it_answers) {
  store.answer("CAPA", "-ERR unknown\r\n");
  start();
  EXPECT_TRUE(soon(sc::store_state::up));
}

TEST_F(watch_test, a_connection_that_was_lost_alone_does_not_make_a_store_down) {
  start();
  ASSERT_TRUE(soon(sc::store_state::up));
  bool was_down = false;
  store.cut_all();
  ASSERT_TRUE(soon([&] {
    was_down = was_down || watch->state_of("store1") == sc::store_state::down;
    return store.connections >= 2 && store.asked["FULL"] >= 3;
  }));
  EXPECT_FALSE(was_down);
}

TEST_F(watch_test, a_silent_store_is_down_after_the_time_limit_and_heals) {
  settings.patience = 30ms;
  store.answer("NOOP", "");
  start();
  ASSERT_TRUE(soon(sc::store_state::down));
  EXPECT_FALSE(watch->load_of("store1"));
  EXPECT_FALSE(watch->stores().at("store1").trouble.empty());
  store.answer("NOOP", load_12);
  EXPECT_TRUE(soon(sc::store_state::up));
}

TEST_F(watch_test, nobody_there_is_down) {
  const net::endpoint nowhere{.path = "/tmp/homeward-nobody-listens.sock"};
  directory = {{"store1", {nowhere}}};
  start();
  EXPECT_TRUE(soon(sc::store_state::down));
}

TEST_F(watch_test, what_a_store_told_stays_for_a_while_when_it_goes_down) {
  start();
  ASSERT_TRUE(soon(sc::store_state::up));
  store.stop();
  ASSERT_TRUE(soon(sc::store_state::down));
  EXPECT_TRUE(watch->usage_of("store1", "mail1", "bob@x"));
}

TEST_F(watch_test, what_a_store_told_is_forgotten_when_it_says_no_more) {
  settings.usage_kept = 0s;
  start();
  ASSERT_TRUE(soon(sc::store_state::up));
  std::this_thread::sleep_for(2ms);
  EXPECT_FALSE(watch->usage_of("store1", "mail1", "bob@x"));
}

TEST_F(watch_test, follows_the_directory) {
  directory.clear();
  start();
  context.run_for(20ms);
  EXPECT_EQ(store.connections, 0U);
  directory = {{"store1", {store.where()}}, {"store1", {{.path = "/tmp/never"}}}};
  ASSERT_TRUE(soon(sc::store_state::up));
  scripted_store other(context);
  other.answer("CAPA", with_full);
  other.answer("FULL", "+OK [USAGE count=0]\r\n");
  directory = {{"store1", {other.where()}}};
  ASSERT_TRUE(soon([&] { return other.asked["FULL"] >= 1; }));
  EXPECT_TRUE(soon([&] { return !watch->usage_of("store1", "mail1", "bob@x"); }));
  directory.clear();
  EXPECT_TRUE(soon([&] { return watch->stores().empty(); }));
  EXPECT_EQ(watch->state_of("store1"), sc::store_state::unknown);
  other.stop();
}

// Every nonsense in place of a listing: the store counts as down, and nothing of it is believed.
TEST_F(watch_test, nonsense_is_not_believed) {
  const std::vector<std::string> answers = {
      "-ERR [TEMP] no\r\n",
      "+OK\r\n",
      "+OK [USAGE]\r\n",
      "+OK [USAGE count=-1]\r\n",
      "+OK [USAGE count=10001]\r\n",
      "+OK [USAGE count=99999999999999999999]\r\n",
      "+OK [LOAD count=0]\r\n",
      "+OK [USAGE count=1]\r\n-ERR [FULL] no\r\n",
      "+OK [USAGE count=1]\r\n+OK [USAGE used=1 limit=1 age=1] <eve@x>\r\n",
      "+OK [USAGE count=1]\r\n+OK [USAGE partition=mail1 used=1 limit=1 age=1] eve@x\r\n",
      "+OK [USAGE count=1]\r\n+OK [USAGE partition=mail1 used=1 limit=1 age=1] <>\r\n",
      "+OK [USAGE count=1]\r\n+OK [USAGE partition=mail1 used=1 limit=1 age=1] <eve@x> x\r\n",
      "+OK [USAGE count=1]\r\n+OK [USAGE partition=mail1 used=1 limit=0 age=1] <eve@x>\r\n",
      "+OK [USAGE count=1]\r\n+OK [USAGE partition=.. used=1 limit=1 age=1] <eve@x>\r\n",
      "+OK [USAGE count=1]\r\n+OK [USAGE partition=mail1 used=x limit=1 age=1] <eve@x>\r\n",
      "+OK [USAGE count=1]\r\n+OK [USAGE partition=mail1 used=1 limit=1 "
      "age=18446744073709551615] <eve@x>\r\n",
      "+OK [USAGE count=1]\r\n+OK [USAGE partition=mail1 used=1 limit=1 age=1] <" +
          std::string(400, 'e') + ">\r\n",
      "+OK [USAGE count=1]\n",
      "+OK [USAGE count=1]\r\n+OK [USAGE \x01]\r\n",
      std::string(2000, '+'),
  };
  for (const std::string& answer : answers) {
    store.answer("FULL", answer);
    start();
    EXPECT_TRUE(soon(sc::store_state::down)) << answer;
    EXPECT_FALSE(watch->usage_of("store1", "mail1", "eve@x")) << answer;
    watch.reset();
  }
}

TEST_F(watch_test, a_line_too_many_costs_the_connection) {
  store.answer("FULL", "+OK [USAGE count=0]\r\n" + full_line("eve@x"));
  start();
  ASSERT_TRUE(soon([&] { return store.connections >= 3; }));
  EXPECT_FALSE(watch->usage_of("store1", "mail1", "eve@x"));
}

TEST_F(watch_test, stop_ends_at_once_even_in_the_middle_of_a_question) {
  settings.patience = 60s;
  store.answer("NOOP", "");
  start();
  ASSERT_TRUE(soon([&] { return store.asked["NOOP"] == 1; }));
  watch->stop();
  watch->stop();
  directory = {};
  const auto began = std::chrono::steady_clock::now();
  store.stop();
  context.run_for(60s); // ends when there is no more work
  EXPECT_LT(std::chrono::steady_clock::now() - began, 30s);
}

TEST_F(watch_test, answers_any_thread_while_it_works) {
  settings.interval = 1ms;
  start();
  std::jthread asker([&](const std::stop_token& end) {
    while (!end.stop_requested()) {
      static_cast<void>(watch->state_of("store1"));
      static_cast<void>(watch->load_of("store1"));
      static_cast<void>(watch->usage_of("store1", "mail1", "bob@x"));
      static_cast<void>(watch->stores());
    }
  });
  EXPECT_TRUE(soon([&] { return store.asked["FULL"] >= 50; }));
}
