// Identities on disk: what a checkpoint has synced is told at the next start; files come and go.

#include <algorithm>
#include <array>

#include "stored/journal/identity_log.hpp"
#include "tests/unit/journal_volume/journal_fixture.hpp"

namespace homeward::journal {
namespace {

using fs::call;

class a_log : public test::journal_directory {
 protected:
  static logged_identity id(std::uint64_t n) {
    return {.high = n, .low = n * 7, .seconds = 1795170000 + n, .origin = "mx" + std::to_string(n)};
  }
  static std::vector<logged_identity> ids(std::uint64_t first, std::uint64_t count) {
    std::vector<logged_identity> all;
    for (std::uint64_t n = first; n < first + count; ++n) {
      all.push_back(id(n));
    }
    return all;
  }
  // Opens it and says what it knows.
  std::vector<logged_identity> start() {
    log_ = std::make_unique<identity_log>(files_, directory_, 4096);
    std::vector<logged_identity> known;
    times_.clear();
    EXPECT_TRUE(log_->load([&](const logged_identity& i, std::uint64_t at) {
      known.push_back(i);
      times_.push_back(at);
    }));
    return known;
  }
  void cut_power(fs::crash_keeps keeps = fs::crash_keeps::nothing) {
    log_.reset();
    memory_.crash(keeps, 1);
    directory_ = memory_.open_directory(path).value();
  }

  std::unique_ptr<identity_log> log_;
  std::vector<std::uint64_t> times_;
};

TEST_F(a_log, tells_at_the_next_start_what_was_synced_oldest_first) {
  EXPECT_TRUE(start().empty());
  ASSERT_TRUE(log_->append(ids(1, 3), 100));
  ASSERT_TRUE(log_->append(ids(4, 2), 200));
  ASSERT_TRUE(memory_.sync_file_system(directory_));
  ASSERT_TRUE(log_->append(ids(6, 5), 300));
  cut_power();
  EXPECT_EQ(start(), ids(1, 5));
  EXPECT_EQ(times_, (std::vector<std::uint64_t>{100, 100, 100, 200, 200}));
}

TEST_F(a_log, appends_without_a_sync) {
  start();
  ASSERT_TRUE(log_->append(ids(1, 3), 100));
  EXPECT_EQ(files_.count(call::sync_data) + files_.count(call::sync_all), 0U);
  EXPECT_TRUE(log_->append({}, 100)) << "nothing is nothing";
  EXPECT_EQ(start(), ids(1, 3)) << "after a kill";
}

TEST_F(a_log, goes_on_in_a_new_file_after_a_start) {
  start();
  ASSERT_TRUE(log_->append(ids(1, 3), 100));
  start();
  ASSERT_TRUE(log_->append(ids(4, 3), 100));
  EXPECT_EQ(names(), (std::vector<std::string>{"identities-00000001", "identities-00000002"}));
  EXPECT_LT(memory_.status_at(directory_, "identities-00000001")->size, 4096U)
      << "what was reserved and not used is given back";
  EXPECT_EQ(start(), ids(1, 6));
}

TEST_F(a_log, begins_another_file_when_one_is_full) {
  start();
  for (std::uint64_t n = 0; n < 20; ++n) {
    ASSERT_TRUE(log_->append(ids(n * 30, 30), 100));
  }
  EXPECT_GT(names().size(), 3U);
  EXPECT_EQ(start(), ids(0, 600));
}

TEST_F(a_log, takes_more_at_once_than_a_block_or_a_file_holds) {
  start();
  ASSERT_TRUE(log_->append(ids(0, 10000), 100));
  EXPECT_EQ(start(), ids(0, 10000));
}

TEST_F(a_log, a_torn_block_ends_its_file_and_no_other) {
  start();
  ASSERT_TRUE(log_->append(ids(1, 3), 100));
  const std::uint64_t second = [&] {
    start(); // cuts the file to what it holds
    return memory_.status_at(directory_, "identities-00000001")->size;
  }();
  log_.reset();
  ASSERT_TRUE(memory_.unlink_at(directory_, "identities-00000001"));
  start();
  ASSERT_TRUE(log_->append(ids(1, 3), 100));
  ASSERT_TRUE(log_->append(ids(4, 3), 100));
  ASSERT_TRUE(log_->append(ids(7, 3), 100));
  {
    const fs::handle file =
        memory_.open_at(directory_, "identities-00000001", fs::open_mode::read_write).value();
    const std::array<std::string_view, 1> pieces = {"torn"};
    ASSERT_TRUE(memory_.write(file, second + 40, pieces));
  }
  EXPECT_EQ(start(), ids(1, 3));
  ASSERT_TRUE(log_->append(ids(20, 2), 100));
  std::vector<logged_identity> both = ids(1, 3);
  both.push_back(id(20));
  both.push_back(id(21));
  EXPECT_EQ(start(), both);
}

TEST_F(a_log, any_power_cut_leaves_a_log_that_can_be_read) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    start();
    const std::uint64_t base = seed * 1000;
    ASSERT_TRUE(log_->append(ids(base, 20), 100));
    ASSERT_TRUE(memory_.sync_file_system(directory_));
    ASSERT_TRUE(log_->append(ids(base + 20, 20), 100));
    ASSERT_TRUE(log_->append(ids(base + 40, 200), 100));
    log_.reset();
    memory_.crash(fs::crash_keeps::anything, seed);
    directory_ = memory_.open_directory(path).value();
    const std::vector<logged_identity> known = start();
    for (const logged_identity& i : ids(base, 20)) {
      EXPECT_NE(std::find(known.begin(), known.end(), i), known.end()) << seed;
    }
    for (const logged_identity& i : known) {
      EXPECT_EQ(i, id(i.high)) << seed;
    }
  }
}

TEST_F(a_log, forgets_files_by_age) {
  start();
  for (std::uint64_t n = 0; n < 10; ++n) {
    ASSERT_TRUE(log_->append(ids(n * 100, 100), 1000 + n * 100));
  }
  const std::size_t files = names().size();
  log_->prune({.age = std::chrono::seconds(10000), .octets = 1_GiB}, 2000);
  EXPECT_EQ(names().size(), files);
  log_->prune({.age = std::chrono::seconds(500), .octets = 1_GiB}, 2000);
  EXPECT_LT(names().size(), files);
  const std::vector<logged_identity> known = start();
  for (const logged_identity& i : ids(500, 500)) {
    EXPECT_NE(std::find(known.begin(), known.end(), i), known.end()) << "younger than the age";
  }
  EXPECT_EQ(std::find(known.begin(), known.end(), id(0)), known.end());
}

TEST_F(a_log, forgets_the_oldest_beyond_its_octets_but_never_the_file_at_hand) {
  start();
  for (std::uint64_t n = 0; n < 10; ++n) {
    ASSERT_TRUE(log_->append(ids(n * 100, 100), 1000));
  }
  log_->prune({.age = std::chrono::hours(24), .octets = byte_count{10000}}, 1000);
  std::uint64_t octets = 0;
  for (const std::string& name : names()) {
    octets += memory_.status_at(directory_, name)->size;
  }
  EXPECT_LE(octets, 14096U);
  log_->prune({.age = std::chrono::hours(24), .octets = byte_count{0}}, 1000);
  EXPECT_EQ(names().size(), 1U);
  ASSERT_TRUE(log_->append(ids(5000, 10), 1000));
  const std::vector<logged_identity> known = start();
  EXPECT_NE(std::find(known.begin(), known.end(), id(5000)), known.end());
}

TEST_F(a_log, a_full_disk_adds_nothing_and_the_same_goes_later) {
  start();
  ASSERT_TRUE(log_->append(ids(0, 90), 100)); // fills the first file
  const fs::volume_space now = memory_.space(directory_).value();
  memory_.set_capacity({now.total.octets - now.free.octets + 100});
  const result<void> refused = log_->append(ids(90, 90), 100);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, failure_reason::full);
  memory_.set_capacity(1024_GiB);
  ASSERT_TRUE(log_->append(ids(90, 90), 100));
  EXPECT_EQ(start(), ids(0, 180));
}

TEST_F(a_log, a_fault_at_any_call_is_told_and_leaves_what_was_there) {
  for (unsigned nth = 1; nth <= 5; ++nth) {
    start();
    ASSERT_TRUE(log_->append(ids(nth * 1000, 10), 100));
    files_.reset();
    files_.plan({.nth = nth, .short_write = 50});
    const bool first = log_->append(ids(nth * 1000 + 10, 200), 100).has_value();
    files_.reset();
    if (!first) {
      ASSERT_TRUE(log_->append(ids(nth * 1000 + 10, 200), 100)) << nth;
    }
    const std::vector<logged_identity> known = start();
    for (const logged_identity& i : ids(nth * 1000, 210)) {
      EXPECT_NE(std::find(known.begin(), known.end(), i), known.end()) << nth;
    }
  }
}

TEST_F(a_log, does_not_begin_on_a_disk_that_does_not_read) {
  start();
  ASSERT_TRUE(log_->append(ids(1, 3), 100));
  identity_log again(files_, directory_, 4096);
  files_.reset();
  files_.plan({.kind = call::read});
  EXPECT_FALSE(again.load([](const logged_identity&, std::uint64_t) {}));
}

} // namespace
} // namespace homeward::journal
