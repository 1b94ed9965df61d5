#include <atomic>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>

#include <gtest/gtest.h>

#include "stored/delivery/volume_workers.hpp"
#include "tests/unit/stored/manual_clock.hpp"

using namespace homeward;
using namespace homeward::stored;
using namespace std::chrono_literals;

namespace {

// As delivery_service does it.
result<void> submit(volume_workers& workers, const std::string& lane, std::function<void()> task,
                    lane_limits limits) {
  const result<void> room = workers.admits(lane, limits);
  return room ? workers.submit(lane, std::move(task)) : room;
}

// Tasks that hang until they are let go.
class obstacle {
 public:
  std::function<void()> task() {
    return [this] {
      std::unique_lock lock(mutex_);
      ++reached_;
      changed_.notify_all();
      changed_.wait(lock, [this] { return open_; });
    };
  }
  void wait_until_reached(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return reached_ >= count; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int reached_ = 0;
  bool open_ = false;
};

class workers_of_a_volume : public testing::Test {
 protected:
  test::manual_clock clock_;
  obstacle obstacle_;
  volume_workers workers_{clock_, {.workers = 4, .per_partition = 2}};

  ~workers_of_a_volume() override {
    obstacle_.open();
    EXPECT_TRUE(workers_.stop(60s));
  }
  // True when a task of `lane` runs to its end.
  void expect_served(const std::string& lane) {
    std::promise<void> done;
    ASSERT_TRUE(submit(workers_, lane, [&] { done.set_value(); }, {}));
    done.get_future().wait();
  }
};

} // namespace

TEST_F(workers_of_a_volume, a_partition_that_hangs_leaves_workers_to_its_neighbours) {
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(submit(workers_, "stuck", obstacle_.task(), {}));
  }
  obstacle_.wait_until_reached(2);
  for (int i = 0; i < 50; ++i) {
    expect_served("healthy");
  }
}

TEST_F(workers_of_a_volume, a_full_lane_refuses_at_once_and_only_itself) {
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(submit(workers_, "stuck", obstacle_.task(), {}));
  }
  obstacle_.wait_until_reached(2);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(submit(workers_, "stuck", obstacle_.task(), {.waiting = 3}));
  }
  const auto refused = submit(workers_, "stuck", obstacle_.task(), {.waiting = 3});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, failure_kind::transient);
  EXPECT_EQ(refused.error().what, "partition stuck has too much mail waiting");
  EXPECT_TRUE(submit(workers_, "healthy", [] {}, {.waiting = 3}));
}

TEST_F(workers_of_a_volume, a_lane_with_a_task_that_hangs_refuses_at_once) {
  ASSERT_TRUE(submit(workers_, "stuck", obstacle_.task(), {.stuck_after = 60s}));
  obstacle_.wait_until_reached(1);
  EXPECT_TRUE(submit(workers_, "stuck", [] {}, {.stuck_after = 60s}));
  clock_.advance(61s);
  const auto refused = submit(workers_, "stuck", [] {}, {.stuck_after = 60s});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().what, "partition stuck does not answer");
  EXPECT_TRUE(submit(workers_, "healthy", [] {}, {.stuck_after = 60s}));
}

TEST_F(workers_of_a_volume, an_exception_costs_no_worker) {
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(submit(workers_, "lane", [] { throw std::runtime_error("bug"); }, {}));
  }
  expect_served("lane");
}

TEST_F(workers_of_a_volume, tells_how_busy_it_is) {
  EXPECT_EQ(workers_.busy_percent(), 0U);
  ASSERT_TRUE(submit(workers_, "a", obstacle_.task(), {}));
  EXPECT_EQ(workers_.busy_percent(), 25U);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(submit(workers_, "a", obstacle_.task(), {}));
  }
  EXPECT_EQ(workers_.busy_percent(), 100U);
}

TEST(workers_that_stop, drop_what_waits_and_do_not_wait_for_what_hangs) {
  const test::manual_clock clock;
  // The thread that is left behind uses this after the test.
  const auto hangs = std::make_shared<obstacle>();
  auto waiting = std::make_shared<int>(0);
  const std::weak_ptr<int> known = waiting;
  {
    volume_workers workers(clock, {.workers = 2, .per_partition = 1});
    ASSERT_TRUE(submit(workers, "stuck", [hangs, task = hangs->task()] { task(); }, {}));
    hangs->wait_until_reached(1);
    ASSERT_TRUE(submit(workers, "stuck", [waiting = std::move(waiting)] {}, {}));
    EXPECT_FALSE(workers.stop(1ms));
    EXPECT_TRUE(known.expired());
    EXPECT_FALSE(submit(workers, "healthy", [] {}, {}));
  }
  hangs->open();
}
