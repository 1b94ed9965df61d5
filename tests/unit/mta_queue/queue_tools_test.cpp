// homeward-requeue and homeward-drain as functions, on the file system in memory.

#include <map>
#include <set>

#include "sendmail-cf/drain/drain.hpp"
#include "sendmail-cf/drain/runner.hpp"
#include "sendmail-cf/requeue/requeue.hpp"
#include "tests/unit/mta_queue/queue_fixture.hpp"

namespace homeward::sendmail_cf {
namespace {

using namespace std::chrono_literals;

class requeue_test : public test::queue_fixture {
 protected:
  requeue_test() {
    disk.make_directories("/two/q2");
    for (int i = 0; i < 6; ++i) {
      sendmail.receive("/one/q1", "old" + std::to_string(i), 1000);
      sendmail.receive("/one/q1", "new" + std::to_string(i), 9000);
    }
  }

  requeue_report run(requeue_options options) {
    options.from = options.from.empty() ? "/one/q*" : options.from;
    options.to = "/two/q*";
    options.older = 3600s;
    options.now = 10000;
    return requeue(disk, options, [](auto, auto) {}).value();
  }
};

TEST_F(requeue_test, moves_what_is_old_to_the_emptiest) {
  sendmail.receive("/two/q1", "there1");
  sendmail.receive("/two/q1", "there2");
  const auto report = run({});
  EXPECT_EQ(report.total().moved, 6U);
  EXPECT_EQ(report.total().young, 6U);
  EXPECT_EQ(report.total().waiting, 12U);
  EXPECT_TRUE(report.failures.empty());
  const auto of = [&](const char* path) { return at(path).list(disk)->envelopes.size(); };
  EXPECT_EQ(of("/two/q1") + of("/two/q2"), 8U);
  EXPECT_GE(of("/two/q1"), 3U);
  EXPECT_GE(of("/two/q2"), 3U);
  EXPECT_EQ(of("/one/q1"), 6U);
}

TEST_F(requeue_test, a_dry_run_changes_nothing_and_a_limit_holds) {
  EXPECT_EQ(run({.dry_run = true}).total().moved, 6U);
  EXPECT_EQ(at("/one/q1").list(disk)->envelopes.size(), 12U);
  const auto report = run({.limit = 2});
  EXPECT_EQ(report.total().moved, 2U);
  EXPECT_TRUE(report.limit_reached);
  EXPECT_EQ(run({.limit = 0}).total().moved, 0U);
}

TEST_F(requeue_test, skips_are_counted_by_reason) {
  put("/one/q1", "qfbare", test::envelope_text("bare"));
  put("/one/q1", "qfhalf", "V8\nT1\n");
  const auto report = run({});
  EXPECT_EQ(report.skipped.count(), 2U);
  EXPECT_NE(report.skipped.in_short().find("1: has no df"), std::string::npos);
  EXPECT_EQ(report.total().moved, 6U);
}

TEST_F(requeue_test, gives_up_when_the_disk_does) {
  faulty.plan({.kind = fs::call::sync_all, .error = EIO, .for_ever = true});
  requeue_options options = {.from = "/one/q*", .to = "/two/q*", .older = 1s, .now = 100000};
  const auto report = requeue(faulty, options, [](auto, auto) {}).value();
  EXPECT_EQ(report.total().moved, 0U);
  EXPECT_FALSE(report.failures.empty());
  for (const auto& id : sendmail.owed()) {
    EXPECT_EQ(sendmail.deliverable({"/one/q1", "/two/q1", "/two/q2"}, id), 1);
  }
}

TEST_F(requeue_test, refuses_a_tier_that_is_moved_into_itself) {
  requeue_options options = {.from = "/t*/q1", .to = "/two/q*"};
  EXPECT_EQ(requeue(disk, options, [](auto, auto) {}).error().kind, failure_kind::permanent);
}

// Runners that deliver what they are told to deliver, as soon as anybody asks whether they ended.
class drain_test : public test::queue_fixture {
 protected:
  drain_test() {
    for (int i = 0; i < 25; ++i) {
      sendmail.receive("/one/q1", fmt::format("A{:02}", i));
    }
    options = {.from = "/one/q*", .work = "/one/drain", .batch = 10, .parallel = 2, .now = 1000};
  }

  drain_world world() {
    return {.start = [this](const std::string& directory) -> result<pid_t> {
              started.push_back(directory);
              return static_cast<pid_t>(started.size());
            },
            .ended = [this](pid_t runner) -> std::optional<int> {
              const std::string& directory = started[static_cast<std::size_t>(runner) - 1];
              if (delivers) {
                sendmail.run(directory);
              }
              return status;
            },
            .stop = [](pid_t) {},
            .pause = [] {},
            .is_interrupted = [this] { return interrupted; }};
  }

  drain_report run(fs::file_system& files) {
    return drain(files, options, world(), [](const auto&) {}).value();
  }

  drain_options options;
  std::vector<std::string> started;
  bool delivers = true;
  bool interrupted = false;
  int status = 0;
};

TEST_F(drain_test, delivers_in_batches_and_cleans_up) {
  const auto report = run(disk);
  EXPECT_EQ(report.waiting, 25U);
  EXPECT_EQ(report.batches, 3U);
  EXPECT_EQ(report.delivered, 25U);
  EXPECT_EQ(report.put_back, 0U);
  EXPECT_EQ(names("/one"), "q1()");
  for (const auto& id : sendmail.owed()) {
    EXPECT_EQ(sendmail.delivered(id), 1);
  }
}

TEST_F(drain_test, puts_back_what_could_not_be_delivered_and_tries_it_once) {
  delivers = false;
  const auto report = run(disk);
  EXPECT_EQ(report.tried, 25U);
  EXPECT_EQ(report.put_back, 25U);
  EXPECT_EQ(report.batches, 3U);
  EXPECT_FALSE(report.runner_status);
  EXPECT_EQ(at("/one/q1").list(disk)->envelopes.size(), 25U);
  EXPECT_EQ(names("/one").substr(0, 3), "q1(");
}

TEST_F(drain_test, stops_when_the_runner_cannot_work) {
  delivers = false;
  status = 78;
  options.parallel = 1;
  const auto report = run(disk);
  EXPECT_EQ(report.batches, 1U);
  EXPECT_EQ(report.runner_status, 78);
  EXPECT_EQ(report.put_back, 10U);
  EXPECT_EQ(at("/one/q1").list(disk)->envelopes.size(), 25U);
}

TEST_F(drain_test, limit_and_interruption) {
  options.limit = 12;
  EXPECT_EQ(run(disk).delivered, 12U);
  interrupted = true;
  const auto report = run(disk);
  EXPECT_TRUE(report.interrupted);
  EXPECT_EQ(report.tried, 0U);
  EXPECT_EQ(at("/one/q1").list(disk)->envelopes.size(), 13U);
}

TEST_F(drain_test, refuses_a_working_directory_that_cannot_be_one) {
  for (const char* work : {"/far/q1/drain", "/one/q1/drain", "relative", "/nowhere/drain"}) {
    options.work = work;
    const auto refused = drain(disk, options, world(), [](const auto&) {});
    ASSERT_TRUE(refused.has_error()) << work;
    EXPECT_FALSE(refused.error().advice.empty()) << work;
  }
  put("/two/q1", "precious", "data");
  options.work = "/two/q1";
  EXPECT_NE(drain(disk, options, world(), [](const auto&) {}).error().what.find("precious"),
            std::string::npos);
  EXPECT_EQ(at("/one/q1").list(disk)->envelopes.size(), 25U);
  EXPECT_EQ(names("/far/q1"), "");
}

TEST_F(drain_test, only_one_at_a_time) {
  disk.make_directories("/one/drain");
  const auto root = disk.open_directory("/one/drain").value();
  const auto lock = disk.open_at(root, ".homeward-drain", fs::open_mode::create_new).value();
  ASSERT_TRUE(disk.try_lock(lock));
  EXPECT_NE(drain(disk, options, world(), [](const auto&) {}).error().what.find("another drain"),
            std::string::npos);
}

// Killed at any call, by a power cut or alone, and started again until it is through.
TEST_F(drain_test, goes_on_after_it_was_killed_anywhere) {
  for (unsigned nth = 1; nth < 400; nth += 7) {
    faulty.reset();
    faulty.cut_power_at(nth);
    (void)drain(faulty, options, world(), [](const auto&) {});
    const bool died = faulty.power_is_cut();
    faulty.reset();
    if (died && nth % 2 == 0) {
      disk.crash(fs::crash_keeps::anything, nth);
    }
    started.clear();
    std::vector<std::string> places = {"/one/q1"};
    if (disk.open_directory("/one/drain")) {
      const auto plan = plan_drain(disk, options).value();
      for (const auto& batch : plan.left) {
        places.push_back(batch.first);
      }
    }
    for (const auto& id : sendmail.owed()) {
      EXPECT_EQ(sendmail.deliverable(places, id) + sendmail.delivered(id), 1) << id << ' ' << nth;
    }
    const auto id = fmt::format("B{:03}", nth);
    sendmail.receive("/one/q1", id);
  }
  options.now = 1000 + 86401;
  (void)run(disk);
  (void)run(disk);
  for (const auto& id : sendmail.owed()) {
    EXPECT_EQ(sendmail.delivered(id), 1) << id;
  }
  EXPECT_EQ(names("/one").find("drain"), std::string::npos) << names("/one");
}

TEST(runner, command_has_the_directory_quoted) {
  EXPECT_EQ(runner_command("a {} -q{}", "/x y"), "a '/x y' -q'/x y'");
  EXPECT_EQ(runner_command("{}", "/it's"), "'/it'\\''s'");
  EXPECT_EQ(runner_command("none", "/x"), "none");
}

TEST(runner, is_started_and_its_end_is_seen) {
  const auto wait = [](pid_t runner) {
    for (;;) {
      if (const auto status = ended(runner)) {
        return *status;
      }
    }
  };
  EXPECT_EQ(wait(start_runner("exit 3").value()), 3);
  const pid_t sleeper = start_runner("sleep 60").value();
  EXPECT_FALSE(ended(sleeper));
  ask_to_end(sleeper);
  EXPECT_EQ(wait(sleeper), 128 + 15);
}

} // namespace
} // namespace homeward::sendmail_cf
