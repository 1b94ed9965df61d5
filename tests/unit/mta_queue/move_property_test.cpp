// Random programs: jobs arrive, are moved to and fro, delivered and tried by a concurrent sendmail,
// while the mover is killed or the power is cut at any call, and leftovers are repaired. Whatever
// happens, a job that was accepted can be delivered from exactly one place, or was delivered once.

#include <random>
#include <set>
#include <span>
#include <tuple>

#include <gtest/gtest.h>

#include "lib/fs/faulty_file_system.hpp"
#include "lib/fs/forgetting_file_system.hpp"
#include "lib/mta_queue/job_mover.hpp"
#include "lib/mta_queue/leftovers.hpp"

#include "tests/unit/mta_queue/hooked_file_system.hpp"
#include "tests/unit/mta_queue/sendmail_model.hpp"

namespace homeward::mta_queue {
namespace {

using test::hooked_file_system;
using test::sendmail_model;

class farm {
 public:
  farm(std::uint64_t seed, bool two_volumes, fs::sync_promises promises)
      : two_volumes_(two_volumes), chance_(seed), disk_(promises), faulty_(disk_),
        hooked_(faulty_, [this] { meanwhile(); }), sendmail_(disk_) {
    disk_.set_time(1000);
    disk_.make_directories("/tier1/q1");
    disk_.make_directories("/tier1/q2/qf");
    disk_.make_directories("/tier1/q2/df");
    disk_.make_directories("/tier1/q2/xf");
    if (two_volumes) {
      disk_.make_volume("/tier2");
    }
    disk_.make_directories("/tier2/q1");
    disk_.make_directories("/tier2/q2/df");
    disk_.set_unnamed_files(seed % 5 != 0);
  }

  void step() {
    switch (pick(10)) {
    case 0:
    case 1:
    case 2: sendmail_.receive(any_directory(), fmt::format("6AK{:04}", next_++)); break;
    case 3: sendmail_.run(any_directory()); break;
    case 4: repair(); break;
    default: move(); break;
    }
    check("after a step");
  }

  // In the end nothing may be missing: sendmail runs everywhere.
  void finish() {
    faulty_.reset();
    for (const std::string& d : directories) {
      sendmail_.run(d);
    }
    for (const std::string& id : sendmail_.owed()) {
      EXPECT_GE(sendmail_.delivered(id), 1) << id << " is lost";
      EXPECT_LE(sendmail_.delivered(id), doubles_allowed_.contains(id) ? 2 : 1) << id;
    }
  }

 private:
  std::uint64_t pick(std::uint64_t below) { return chance_() % below; }
  const std::string& any_directory() { return directories[pick(directories.size())]; }

  // What sendmail does between two calls of the mover.
  void meanwhile() {
    if (faulty_.power_is_cut()) {
      return;
    }
    if (pick(8) == 0) {
      sendmail_.run(any_directory());
    } else if (pick(8) == 0 && !sendmail_.owed().empty()) {
      sendmail_.defer(any_directory(), sendmail_.owed()[pick(sendmail_.owed().size())]);
    }
    if (pick(16) == 0) {
      move_one_by_another_mover();
    }
    check("between two calls");
  }

  void move_one_by_another_mover() {
    const std::string from = any_directory();
    const std::string to = any_directory();
    if (from == to || sendmail_.owed().empty()) {
      return;
    }
    const auto source = queue_directory::open(disk_, from).value();
    const auto target = queue_directory::open(disk_, to).value();
    (void)job_mover(disk_, 0).move(source, target, sendmail_.owed()[pick(sendmail_.owed().size())],
                                   [](const queue_file&) { return true; });
  }

  void move() {
    const std::string from = any_directory();
    const std::string to = any_directory();
    if (from == to) {
      return;
    }
    const auto mode = pick(4); // 0: power cut, 1: kill, 2: an error, 3: nothing
    if (mode < 2) {
      faulty_.cut_power_at(static_cast<unsigned>(1 + pick(60)));
    } else if (mode == 2) {
      faulty_.plan({.nth = static_cast<unsigned>(1 + pick(40)), .error = EIO});
    }
    move_all(from, to);
    const bool died = faulty_.power_is_cut();
    faulty_.reset();
    if (mode == 0 && died) {
      disk_.crash(fs::crash_keeps::anything, chance_());
    }
    copies_may_exist_ = copies_may_exist_ || (two_volumes_ && (died || mode == 2));
  }

  void move_all(const std::string& from_path, const std::string& to_path) {
    const auto from = queue_directory::open(hooked_, from_path);
    const auto to = queue_directory::open(hooked_, to_path);
    if (from.has_error() || to.has_error()) {
      return;
    }
    const auto listing = from->list(hooked_);
    if (!listing) {
      return;
    }
    job_mover mover(hooked_, 0);
    const std::size_t at_once = 1 + pick(4);
    const std::span<const std::string> ids = listing->envelopes;
    for (std::size_t i = 0; i < ids.size(); i += at_once) {
      const auto some = ids.subspan(i, std::min(at_once, ids.size() - i));
      moving_ = {some.begin(), some.end()};
      (void)mover.move_some(*from, *to, some, [](const queue_file&) { return true; });
    }
  }

  void repair() {
    std::vector<queue_directory> opened;
    for (const std::string& d : directories) {
      opened.push_back(queue_directory::open(hooked_, d).value());
    }
    moving_.clear();
    // Sometimes every body is old enough to be removed.
    (void)repair_leftovers(hooked_, opened,
                           {.remove_orphans = true, .now = 1000 + 86400 + (pick(2) == 0 ? 1 : 0)});
  }

  void check(const char* when) {
    for (const std::string& id : sendmail_.owed()) {
      const int places = sendmail_.deliverable(directories, id) + sendmail_.delivered(id);
      EXPECT_GE(places, 1) << id << " is lost " << when;
      if (places > 1) { // only while, or after, a copy to another file system was broken off
        EXPECT_TRUE(two_volumes_ && (copies_may_exist_ || moving_.contains(id)))
            << id << ' ' << when;
        doubles_allowed_.insert(id);
      }
    }
  }

  const std::vector<std::string> directories = {"/tier1/q1", "/tier1/q2", "/tier2/q1", "/tier2/q2"};
  bool two_volumes_;
  std::mt19937_64 chance_;
  fs::forgetting_file_system disk_;
  fs::faulty_file_system faulty_;
  hooked_file_system hooked_;
  sendmail_model sendmail_;
  std::set<std::string> doubles_allowed_;
  std::set<std::string> moving_;
  bool copies_may_exist_ = false;
  int next_ = 1;
};

class moves : public ::testing::TestWithParam<std::tuple<bool, fs::sync_promises>> {};

TEST_P(moves, leave_every_job_in_exactly_one_place) {
  const auto [two_volumes, promises] = GetParam();
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    farm f(seed, two_volumes, promises);
    for (int i = 0; i < 40; ++i) {
      f.step();
    }
    f.finish();
    if (HasFailure()) {
      return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    everywhere, moves,
    ::testing::Combine(::testing::Bool(), ::testing::Values(fs::sync_promises::linux_file_systems,
                                                            fs::sync_promises::posix)),
    [](const auto& tested) {
      return std::string(std::get<0>(tested.param) ? "two_volumes" : "one_volume") +
             (std::get<1>(tested.param) == fs::sync_promises::posix ? "_posix" : "_linux");
    });

} // namespace
} // namespace homeward::mta_queue
