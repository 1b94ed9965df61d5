// One journal with its threads: what is told is durable, groups form, a failure is the end,
// checkpoints give segments back, a full journal waits.

#include <algorithm>

#include "stored/journal/failed_note.hpp"
#include "tests/unit/journal_volume/journal_fixture.hpp"
#include "tests/unit/maildir/mail_store.hpp"

namespace homeward::journal {
namespace {

using fs::call;
using test::becomes;
using test::delivery_of;
using test::told_commits;

class one_journal : public test::journal_directory {
 protected:
  ~one_journal() override {
    gate_.open();
    close();
  }

  void open(std::chrono::nanoseconds checkpoint = std::chrono::hours(1), group_limits groups = {}) {
    auto opened = try_open(checkpoint, groups);
    ASSERT_TRUE(opened) << describe(opened.error());
    journal_ = *opened;
  }
  result<std::shared_ptr<volume_journal>> try_open(std::chrono::nanoseconds checkpoint,
                                                   group_limits groups) {
    known_.clear();
    return volume_journal::open(
        gate_, clock_, std::string(path),
        {.farm = "farm",
         .segments = {.size = byte_count{smallest_segment}, .count = 3},
         .groups = groups,
         .checkpoint = checkpoint,
         .wait_for_partitions = std::chrono::seconds(10),
         .identities = {}},
        [this](const logged_identity& i, std::uint64_t /*at*/) { known_.push_back(i); });
  }
  void close() {
    if (journal_) {
      EXPECT_TRUE(journal_->stop(std::chrono::seconds(60)));
      journal_.reset();
    }
  }
  void append(told_commits& told, std::string_view message, const std::string& partition = "p") {
    journal_->append(delivery_of(message, partition), nullptr, told.callback());
  }
  // With a first segment, and at rest: record 1 is a delivery, settled, 2 and 3 are checkpoints.
  void open_at_rest() {
    open();
    const record_number n = append_one();
    ASSERT_TRUE(becomes([&] { return journal_->figures().checkpoints == 1; }));
    journal_->settle(n, {});
    checkpoint();
    files_.reset();
  }
  record_number append_one(std::string_view message = "hello\r\n") {
    told_commits told;
    append(told, message);
    return told.wait(1).front().value();
  }
  // One that is made now; a partition without mail joins, which asks for it.
  void checkpoint() {
    const std::uint64_t before = journal_->figures().checkpoints;
    ask_for_checkpoint();
    ASSERT_TRUE(becomes([&] { return journal_->figures().checkpoints > before; }));
  }
  void ask_for_checkpoint() {
    if (!partition_) {
      EXPECT_TRUE(maildir::partition::initialise(memory_, "/srv/mail1",
                                                 {.name = "mail1", .adopt_existing = true}, {}));
      partition_ = std::make_unique<maildir::partition>(
          maildir::partition::open(memory_, "/srv/mail1", "mail1").value());
    }
    const auto joined = journal_->join(
        *partition_, [](const delivery_record&, std::size_t) { return logged_identity{}; });
    EXPECT_TRUE(joined);
  }
  // A kill: nothing reaches the file system any more, and nothing is forgotten.
  void kill() {
    files_.cut_power_at(1);
    close();
    partition_.reset();
    files_.reset();
  }
  void cut_power() {
    kill();
    memory_.crash(fs::crash_keeps::nothing, 1);
    directory_ = memory_.open_directory(path).value();
  }

  std::shared_ptr<volume_journal> journal_;
  std::unique_ptr<maildir::partition> partition_;
  std::vector<logged_identity> known_;
};

TEST_F(one_journal, tells_only_after_the_sync) {
  open_at_rest();
  told_commits told;
  bool synced_before = false;
  journal_->append(delivery_of("x"), nullptr,
                   [&, tell = told.callback()](const result<record_number>& n) {
                     synced_before = files_.calls() == std::vector{call::write, call::sync_data};
                     tell(n);
                   });
  EXPECT_EQ(told.wait(1).front().value(), 4U);
  EXPECT_TRUE(synced_before);
}

TEST_F(one_journal, what_was_told_outlives_a_power_cut) {
  open_at_rest();
  append_one();
  append_one();
  cut_power();
  open();
  EXPECT_EQ(journal_->figures().unsettled, 2U);
}

TEST_F(one_journal, what_waits_while_the_disk_is_busy_shares_one_sync) {
  open_at_rest();
  gate_.shut();
  told_commits first;
  append(first, "first");
  gate_.wait_for_waiters(1);
  told_commits rest;
  for (int i = 0; i < 50; ++i) {
    append(rest, "one of many", i % 2 == 0 ? "p" : "q");
  }
  const std::size_t syncs = files_.count(call::sync_data);
  const std::uint64_t groups = journal_->figures().writer.groups;
  EXPECT_EQ(journal_->figures().writer.waiting, 50U);
  EXPECT_EQ(rest.count(), 0U);
  gate_.open();
  const auto numbers = rest.wait(50);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    EXPECT_EQ(numbers[i].value(), 5 + i);
  }
  EXPECT_EQ(files_.count(call::sync_data), syncs + 2);
  EXPECT_EQ(journal_->figures().writer.groups, groups + 2);
}

TEST_F(one_journal, a_backlog_larger_than_a_segment_goes_in_several_groups) {
  open_at_rest();
  const std::string large(200000, 'x');
  gate_.shut();
  told_commits told;
  append(told, "first");
  gate_.wait_for_waiters(1);
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(journal_->fits(delivery_of(large)));
    append(told, large);
  }
  gate_.open();
  ASSERT_TRUE(becomes([&] {
    for (record_number n = 4; n <= 50; ++n) { // checkpoints make room
      journal_->settle(n, {});
    }
    return told.count() == 9;
  }));
  for (const auto& n : told.wait(9)) {
    EXPECT_TRUE(n) << describe(n.error());
  }
  EXPECT_FALSE(journal_->unusable());
}

// --- A failure is the end ---------------------------------------------------------------

class failing_call : public one_journal, public testing::WithParamInterface<call> {};

TEST_P(failing_call, fails_everybody_of_the_group_and_all_later_ones) {
  open_at_rest();
  gate_.shut();
  told_commits told;
  append(told, "first");
  gate_.wait_for_waiters(1);
  files_.plan({.kind = GetParam(), .nth = 2});
  append(told, "second");
  append(told, "third");
  gate_.open();
  const auto results = told.wait(3);
  EXPECT_TRUE(results[0]);
  EXPECT_FALSE(results[1]);
  EXPECT_FALSE(results[2]);
  const std::size_t syncs = files_.count(call::sync_data);
  const std::size_t opens = files_.count(call::open_at);
  told_commits later;
  append(later, "later");
  journal_->append(abort_record{1, {0}}, later.callback());
  for (const auto& r : later.wait(2)) {
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind, failure_kind::transient);
  }
  ASSERT_TRUE(journal_->unusable());
  EXPECT_NE(journal_->unusable()->what.find("journal"), std::string::npos);
  EXPECT_TRUE(becomes([&] { return has("failed"); }));
  close(); // neither does the last checkpoint try anything
  EXPECT_EQ(files_.count(call::sync_data), syncs);
  EXPECT_EQ(files_.count(call::sync_file_system), 0U);
  EXPECT_LE(files_.count(call::open_at), opens + 1) << "the note";
}

INSTANTIATE_TEST_SUITE_P(journal, failing_call, testing::Values(call::write, call::sync_data),
                         [](const auto& of) { return of.param == call::write ? "write" : "sync"; });

TEST_F(one_journal, a_sync_of_the_volume_that_fails_is_the_end_as_well) {
  open_at_rest();
  journal_->settle(append_one(), {});
  files_.plan({.kind = call::sync_file_system});
  ask_for_checkpoint();
  ASSERT_TRUE(becomes([&] { return journal_->unusable().has_value(); }));
  EXPECT_TRUE(becomes([&] { return has("failed"); }));
  told_commits told;
  append(told, "later");
  EXPECT_FALSE(told.wait(1).front());
  close();
  EXPECT_EQ(files_.count(call::sync_file_system), 1U);
  EXPECT_EQ(journal_, nullptr);
}

TEST_F(one_journal, goes_on_after_a_failure_when_it_is_opened_again) {
  open();
  append_one();
  files_.plan({.kind = call::sync_data});
  told_commits told;
  append(told, "lost or not");
  EXPECT_FALSE(told.wait(1).front());
  close();
  open();
  EXPECT_FALSE(journal_->unusable());
  EXPECT_FALSE(has("failed")) << "the marks know it now";
  EXPECT_GE(append_one(), 2U);
}

// --- Checkpoints and segments -----------------------------------------------------------

TEST_F(one_journal, a_checkpoint_syncs_the_volume_and_then_says_so) {
  open_at_rest();
  journal_->settle(append_one(), {});
  files_.reset();
  checkpoint();
  const std::vector<call> all = files_.calls();
  const auto synced = std::find(all.begin(), all.end(), call::sync_file_system);
  ASSERT_NE(synced, all.end());
  EXPECT_EQ(std::count(all.begin(), synced, call::sync_data), 0);
  EXPECT_EQ(std::count(synced, all.end(), call::sync_data), 1);
}

TEST_F(one_journal, settled_records_are_not_recovered_after_a_checkpoint) {
  open_at_rest();
  journal_->settle(append_one(), {});
  const record_number open_one = append_one();
  journal_->settle(append_one(), {});
  checkpoint();
  cut_power();
  const auto index = read_index(memory_, directory_, "farm");
  ASSERT_TRUE(index);
  EXPECT_EQ(index->checkpoint, open_one);
}

TEST_F(one_journal, identities_of_a_checkpoint_are_told_at_the_next_start) {
  open_at_rest();
  const logged_identity one{.high = 1, .low = 2, .seconds = 3, .origin = "mx"};
  journal_->settle(append_one(), {&one, 1});
  checkpoint();
  cut_power();
  open();
  EXPECT_EQ(known_, std::vector{one});
}

TEST_F(one_journal, identities_wait_for_a_log_that_can_be_written_and_hold_the_checkpoint_back) {
  open_at_rest();
  const logged_identity one{.high = 1, .low = 2, .seconds = 3, .origin = "mx"};
  const std::uint64_t before = journal_->figures().checkpoints;
  files_.plan({.kind = call::allocate, .error = ENOSPC, .for_ever = true});
  journal_->settle(append_one(), {&one, 1});
  ask_for_checkpoint();
  ASSERT_TRUE(becomes([&] { return files_.count(call::allocate) > 0; }));
  EXPECT_EQ(journal_->figures().checkpoints, before);
  EXPECT_TRUE(journal_->figures().checkpoint_due);
  EXPECT_FALSE(journal_->unusable());
  files_.reset();
  checkpoint();
  cut_power();
  open();
  EXPECT_EQ(known_, std::vector{one});
}

TEST_F(one_journal, a_full_journal_waits_and_a_settled_backlog_makes_room) {
  open();
  const std::string message(200000, 'x');
  told_commits told;
  std::size_t appended = 0;
  while (journal_->figures().writer.waits_for_room == 0) {
    append(told, message);
    ++appended;
    ASSERT_TRUE(becomes(
        [&] { return told.count() == appended || journal_->figures().writer.waits_for_room > 0; }));
  }
  const std::size_t committed = told.count();
  EXPECT_EQ(committed + 1, appended);
  EXPECT_FALSE(journal_->unusable());
  // The first record pins everything, whatever else is settled.
  for (record_number n = 2; n <= committed; ++n) {
    journal_->settle(n, {});
  }
  for (int i = 0; i < 30; ++i) { // a reserve that is used up by and by would be gone
    ask_for_checkpoint();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT_EQ(told.count(), committed);
  // A control record goes all the same.
  told_commits control;
  journal_->append(abort_record{1, {0}}, control.callback());
  EXPECT_TRUE(control.wait(1).front());
  EXPECT_FALSE(journal_->unusable());
  journal_->settle(1, {});
  EXPECT_TRUE(told.wait(appended).back());
  EXPECT_FALSE(journal_->unusable());
}

TEST_F(one_journal, refusals_while_it_is_full_leave_room_for_the_checkpoint_that_ends_it) {
  open();
  const std::string message(200000, 'x');
  told_commits told;
  std::size_t appended = 0;
  while (journal_->figures().writer.waits_for_room == 0) {
    append(told, message);
    ++appended;
    ASSERT_TRUE(becomes(
        [&] { return told.count() == appended || journal_->figures().writer.waits_for_room > 0; }));
  }
  told_commits refusals;
  constexpr std::size_t many = 100; // more blocks than what is left of the segment
  for (std::size_t i = 0; i < many; ++i) {
    const std::size_t before = refusals.count();
    journal_->append(abort_record{1, {0}}, refusals.callback());
    if (i < 4) { // one by one: each takes a block
      EXPECT_TRUE(becomes([&] { return refusals.count() > before; }));
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  EXPECT_LT(refusals.count(), many);
  EXPECT_FALSE(journal_->unusable());
  for (record_number n = 1; n <= told.count(); ++n) {
    journal_->settle(n, {});
  }
  for (const result<record_number>& r : refusals.wait(many)) {
    EXPECT_TRUE(r);
  }
  EXPECT_TRUE(told.wait(appended).back());
  EXPECT_FALSE(journal_->unusable());
}

TEST_F(one_journal, segments_are_used_again_only_after_a_checkpoint) {
  open();
  const std::string message(200000, 'x');
  for (int i = 0; i < 100; ++i) { // 20 MB through 3 MiB
    const record_number n = append_one(message);
    journal_->settle(n, {});
  }
  EXPECT_GT(journal_->figures().checkpoints, 10U);
  std::size_t segments = 0;
  for (const std::string& name : names()) {
    segments += name.starts_with(segment_prefix) ? 1U : 0U;
  }
  EXPECT_EQ(segments, 3U);
}

// --- Starting ---------------------------------------------------------------------------

TEST_F(one_journal, is_for_one_process) {
  open();
  const auto other = try_open(std::chrono::hours(1), {});
  ASSERT_FALSE(other);
  EXPECT_NE(describe(other.error()).find("another stored"), std::string::npos);
}

TEST_F(one_journal, refuses_another_farm) {
  open();
  append_one();
  close();
  auto other = volume_journal::open(gate_, clock_, std::string(path),
                                    {.farm = "other",
                                     .segments = {.size = byte_count{smallest_segment}, .count = 3},
                                     .groups = {},
                                     .checkpoint = std::chrono::hours(1),
                                     .wait_for_partitions = std::chrono::seconds(10),
                                     .identities = {}},
                                    [](const logged_identity&, std::uint64_t) {});
  ASSERT_FALSE(other);
  EXPECT_NE(describe(other.error()).find("another farm"), std::string::npos);
}

TEST_F(one_journal, what_a_kill_left_unsynced_is_made_durable_before_anything_else) {
  open_at_rest();
  files_.plan({.kind = call::sync_data});
  told_commits told;
  append(told, "in the page cache only");
  EXPECT_FALSE(told.wait(1).front());
  kill();
  open(); // and no more: a checkpoint would make it durable as well
  EXPECT_EQ(journal_->figures().unsettled, 1U);
  cut_power();
  open();
  EXPECT_EQ(journal_->figures().unsettled, 1U);
}

TEST_F(one_journal, tells_nobody_after_it_has_stopped) {
  open();
  ASSERT_TRUE(journal_->stop(std::chrono::seconds(60)));
  told_commits told;
  append(told, "late");
  journal_->append(abort_record{1, {0}}, told.callback());
  EXPECT_FALSE(told.wait(2)[0]);
  EXPECT_FALSE(told.wait(2)[1]);
}

} // namespace
} // namespace homeward::journal
