#include <atomic>
#include <deque>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

#include "lib/fs/faulty_file_system.hpp"
#include "lib/fs/forgetting_file_system.hpp"

#include "stored/quota/quota_keeper.hpp"
#include "tests/unit/stored/manual_clock.hpp"

using namespace homeward;
using namespace homeward::stored;
using namespace std::chrono_literals;

namespace {

// A keeper whose counting is done when the test says so.
class quota_keeper_test : public testing::Test {
 protected:
  quota_keeper_test() {
    memory_.make_directories("/srv/mail1");
    EXPECT_TRUE(maildir::partition::initialise(memory_, "/srv/mail1", {.name = "mail1"}, {}));
    place_ = {std::make_shared<const maildir::partition>(
                  maildir::partition::open(files_, "/srv/mail1", "mail1").value()),
              1};
    files_.reset();
    make();
  }

  void make() {
    keeper_ = std::make_unique<quota_keeper>(
        clock_, limits_,
        [this](const counted_place&, urgency how, std::function<void()> task) -> result<void> {
          if (full_) {
            return transient_failure("too many wait");
          }
          (how == urgency::now ? urgent_ : some_time_).push_back(std::move(task));
          return {};
        });
  }
  void put(const std::string& name, const std::string& folder = "new") {
    const std::string directory = "/srv/mail1/x/ann/Maildir/" + folder;
    memory_.make_directories(directory);
    const auto at = memory_.open_directory(directory);
    EXPECT_TRUE(memory_.open_at(*at, name, fs::open_mode::create_new));
  }
  room_verdict ask(std::uint64_t size, const std::string& name = "m", bool last = false) {
    return keeper_->ask(place_, {{"mail1", "ann@x"}, name, 1000, size, clock_.steady_now()}, last);
  }
  std::size_t run(std::deque<std::function<void()>>& tasks) {
    std::size_t count = 0;
    for (; !tasks.empty(); ++count) {
      const std::function<void()> task = std::move(tasks.front());
      tasks.pop_front();
      task();
    }
    return count;
  }
  std::uint64_t held() { return keeper_->known({"mail1", "ann@x"})->octets; }

  test::manual_clock clock_;
  fs::forgetting_file_system memory_;
  fs::faulty_file_system files_{memory_};
  counted_place place_;
  quota_limits limits_;
  std::chrono::nanoseconds patience_ = 5s;
  bool full_ = false;
  std::deque<std::function<void()>> urgent_;
  std::deque<std::function<void()>> some_time_;
  std::unique_ptr<quota_keeper> keeper_;
};

} // namespace

TEST_F(quota_keeper_test, counts_first_and_then_decides) {
  put("1.a.mx,S=900");
  ASSERT_EQ(ask(200).is, room::count_first);
  int called = 0;
  keeper_->count_then(place_, {"ann@x"}, patience_, [&] { ++called; });
  keeper_->count_then(place_, {"ann@x"}, patience_, [&] { ++called; });
  EXPECT_EQ(called, 0);
  EXPECT_EQ(run(urgent_), 1U) << "one count for both";
  EXPECT_EQ(called, 2);
  const room_verdict no = ask(200, "m", true);
  EXPECT_EQ(no.is, room::over);
  EXPECT_EQ(no.why.reason, failure_reason::quota);
  EXPECT_EQ(no.why.kind, failure_kind::transient);
  EXPECT_NE(no.why.cause.find("900 of 1000"), std::string::npos) << no.why.cause;
  EXPECT_EQ(no.why.what.find("900"), std::string::npos) << "not for the sender";
  EXPECT_EQ(ask(100).is, room::granted);
}

TEST_F(quota_keeper_test, waits_for_all_that_are_asked_for) {
  int called = 0;
  keeper_->count_then(place_, {"ann@x", "bob@x", "ann@x"}, patience_, [&] { ++called; });
  ASSERT_EQ(urgent_.size(), 2U);
  urgent_.front()();
  EXPECT_EQ(called, 0);
  urgent_.back()();
  EXPECT_EQ(called, 1);
}

TEST_F(quota_keeper_test, a_promise_ends_with_what_was_filed_or_with_nothing) {
  keeper_->count_then(place_, {"ann@x"}, patience_, [] {});
  run(urgent_);
  room_verdict first = ask(600, "a");
  ASSERT_EQ(first.is, room::granted);
  EXPECT_EQ(ask(600, "b").is, room::taken);
  { const promised_room dropped = std::move(first.promise); }
  room_verdict second = ask(600, "b");
  ASSERT_EQ(second.is, room::granted);
  second.promise.filed(580);
  second.promise.filed(580);
  EXPECT_EQ(held(), 580U);
  promised_room none;
  none.filed(1);
}

TEST_F(quota_keeper_test, mail_is_not_held_up_by_a_count_that_does_not_come) {
  patience_ = 1ms;
  std::atomic<int> called = 0;
  keeper_->count_then(place_, {"ann@x"}, patience_, [&] { ++called; });
  while (called == 0) {
    std::this_thread::yield();
  }
  EXPECT_EQ(ask(5000, "m", true).is, room::granted);
  EXPECT_EQ(run(urgent_), 1U);
  EXPECT_EQ(called, 1) << "once";
  EXPECT_EQ(ask(1001, "n").is, room::over) << "the late count is of use to the next one";
}

TEST_F(quota_keeper_test, when_too_many_counts_wait_nobody_is_refused) {
  full_ = true;
  int called = 0;
  keeper_->count_then(place_, {"ann@x"}, patience_, [&] { ++called; });
  EXPECT_EQ(called, 1);
  EXPECT_EQ(ask(5000, "m", true).is, room::granted);
  full_ = false;
  EXPECT_EQ(ask(5000, "n").is, room::count_first) << "and the next one is asked again";
}

TEST_F(quota_keeper_test, what_cannot_be_read_refuses_nobody) {
  put("1.a.mx,S=900");
  files_.plan({.kind = fs::call::list, .nth = 1, .error = EACCES, .for_ever = true});
  keeper_->count_then(place_, {"ann@x"}, patience_, [] {});
  run(urgent_);
  EXPECT_EQ(ask(5000, "m", true).is, room::granted);
  EXPECT_EQ(ask(5000, "n").is, room::granted) << "without trying it each time";
  EXPECT_TRUE(urgent_.empty() && some_time_.empty());
  EXPECT_TRUE(keeper_->nearly_full(place_, 10).empty());
  clock_.advance(61s);
  files_.reset();
  EXPECT_EQ(ask(5000, "o").is, room::count_first);
}

TEST_F(quota_keeper_test, an_old_figure_is_counted_in_the_background) {
  put("1.a.mx,S=900");
  keeper_->count_then(place_, {"ann@x"}, patience_, [] {});
  run(urgent_);
  clock_.advance(61s);
  put("1.b.mx,S=50", "cur");
  EXPECT_EQ(ask(10, "m").is, room::granted);
  EXPECT_EQ(ask(10, "n").is, room::granted);
  EXPECT_EQ(run(some_time_), 1U);
  EXPECT_EQ(held(), 950U);
}

// Front ends send a full mailbox no more mail; so nothing but the list itself can find out that its
// user has made room.
TEST_F(quota_keeper_test, a_full_mailbox_leaves_the_list_when_its_user_has_deleted) {
  put("1.a.mx,S=990");
  keeper_->count_then(place_, {"ann@x"}, patience_, [] {});
  run(urgent_);
  static_cast<void>(ask(5, "m"));
  ASSERT_EQ(keeper_->nearly_full(place_, 10).size(), 1U);
  EXPECT_TRUE(some_time_.empty()) << "the figure is young";
  const auto at = memory_.open_directory("/srv/mail1/x/ann/Maildir/new");
  ASSERT_TRUE(memory_.unlink_at(*at, "1.a.mx,S=990"));
  clock_.advance(61s);
  EXPECT_EQ(keeper_->nearly_full(place_, 10).at(0).age, 61s);
  EXPECT_EQ(keeper_->nearly_full(place_, 10).size(), 1U);
  EXPECT_EQ(run(some_time_), 1U) << "not twice";
  EXPECT_TRUE(keeper_->nearly_full(place_, 10).empty());
}

TEST_F(quota_keeper_test, the_count_leaves_out_what_is_under_way) {
  put("1.a.mx,S=100");
  keeper_->count_then(place_, {"ann@x"}, patience_, [] {});
  run(urgent_);
  room_verdict under_way = ask(50, "1.b.mx");
  put("1.b.mx,S=48"); // filed, and not settled yet
  clock_.advance(61s);
  EXPECT_EQ(ask(10, "1.c.mx").is, room::granted);
  run(some_time_);
  EXPECT_EQ(held(), 100U);
  under_way.promise.filed(48);
  EXPECT_EQ(held(), 148U);
}

TEST_F(quota_keeper_test, stop_drops_who_waits_and_gives_back_its_room) {
  keeper_->count_then(place_, {"bob@x"}, patience_, [] {});
  run(urgent_);
  auto verdict = std::make_shared<room_verdict>(
      keeper_->ask(place_, {{"mail1", "bob@x"}, "m", 1000, 600, clock_.steady_now()}, false));
  ASSERT_EQ(verdict->is, room::granted);
  bool called = false;
  keeper_->count_then(place_, {"ann@x"}, patience_, [&called, verdict] { called = true; });
  const std::weak_ptr<room_verdict> dropped = verdict;
  verdict.reset();
  keeper_->stop();
  EXPECT_TRUE(dropped.expired());
  EXPECT_FALSE(called);
  run(urgent_);
  EXPECT_FALSE(called);
  bool ran = false;
  keeper_->count_then(place_, {"ann@x"}, patience_, [&] { ran = true; });
  EXPECT_FALSE(ran);
}
