// The parts of a journal, one by one: the rule that makes groups, settlements, filed marks,
// segments, parked mail, the note of a failure.

#include <algorithm>
#include <array>
#include <cerrno>

#include "stored/journal/commit_queue.hpp"
#include "stored/journal/failed_note.hpp"
#include "stored/journal/filed_marks.hpp"
#include "stored/journal/parked_records.hpp"
#include "stored/journal/record_codec.hpp"
#include "stored/journal/segment_pool.hpp"
#include "stored/journal/settlements.hpp"
#include "tests/unit/journal_volume/journal_fixture.hpp"

namespace homeward::journal {
namespace {

using fs::call;
using test::delivery_of;

// --- commit_queue -----------------------------------------------------------------------

class a_queue : public ::testing::Test {
 protected:
  void push(const std::string& lane, int id, std::size_t octets = 100) {
    queue_.push(lane, {checkpoint_record{static_cast<record_number>(id)}, nullptr, octets, {}});
  }
  std::vector<int> take(group_limits limits) {
    std::vector<int> taken;
    for (const waiting_record& r : queue_.take_group(limits)) {
      taken.push_back(static_cast<int>(std::get<checkpoint_record>(r.what).below));
    }
    return taken;
  }
  using ids = std::vector<int>;

  commit_queue queue_;
};

TEST_F(a_queue, nothing_waits_for_company) {
  EXPECT_TRUE(take({}).empty());
  push("p", 1);
  EXPECT_EQ(take({}), ids{1});
  EXPECT_TRUE(queue_.empty());
}

TEST_F(a_queue, all_that_waits_goes_up_to_the_records) {
  for (int i = 1; i <= 5; ++i) {
    push("p", i);
  }
  EXPECT_EQ(take({.octets = 10000, .records = 3}), (ids{1, 2, 3}));
  EXPECT_EQ(take({.octets = 10000, .records = 3}), (ids{4, 5}));
}

TEST_F(a_queue, all_that_waits_goes_up_to_the_octets) {
  for (int i = 1; i <= 5; ++i) {
    push("p", i);
  }
  EXPECT_EQ(take({.octets = 299, .records = 10}), (ids{1, 2}));
  EXPECT_EQ(queue_.octets(), 300U);
  EXPECT_EQ(take({.octets = 300, .records = 10}), (ids{3, 4, 5}));
  EXPECT_EQ(queue_.octets(), 0U);
}

TEST_F(a_queue, a_record_over_the_limit_goes_alone) {
  push("p", 1, 5000);
  push("p", 2);
  EXPECT_EQ(take({.octets = 1000, .records = 10}), ids{1});
  EXPECT_EQ(take({.octets = 1000, .records = 10}), ids{2});
}

TEST_F(a_queue, one_that_does_not_fit_is_first_the_next_time) {
  push("a", 1);
  push("b", 2, 950);
  push("c", 3);
  EXPECT_EQ(take({.octets = 1000, .records = 10}), ids{1});
  EXPECT_EQ(take({.octets = 1050, .records = 10}), (ids{2, 3}));
}

TEST_F(a_queue, lanes_take_turns_and_keep_their_order) {
  for (int i = 0; i < 3; ++i) {
    push("a", 10 + i);
    push("b", 20 + i);
  }
  push("c", 30);
  EXPECT_EQ(take({}), (ids{10, 20, 30, 11, 21, 12, 22}));
}

TEST_F(a_queue, a_lane_with_a_thousand_delays_another_by_one) {
  for (int i = 0; i < 1000; ++i) {
    push("busy", i);
  }
  EXPECT_EQ(take({.octets = 100000, .records = 10}).size(), 10U);
  push("quiet", 5000);
  const ids next = take({.octets = 100000, .records = 2});
  EXPECT_NE(std::find(next.begin(), next.end(), 5000), next.end());
  push("a first by name", 5001);
  push("z last by name", 5002);
  const ids then = take({.octets = 100000, .records = 3});
  EXPECT_NE(std::find(then.begin(), then.end(), 5001), then.end());
  EXPECT_NE(std::find(then.begin(), then.end(), 5002), then.end());
}

TEST_F(a_queue, gives_everything_at_the_end) {
  for (int i = 0; i < 2000; ++i) {
    push(i % 2 == 0 ? "a" : "b", i, 1U << 20U);
  }
  EXPECT_EQ(queue_.take_all().size(), 2000U);
  EXPECT_EQ(queue_.records(), 0U);
}

// --- settlements ------------------------------------------------------------------------

TEST(settlements, the_lowest_open_one_moves_over_what_is_settled) {
  settlements s(7);
  EXPECT_EQ(s.lowest_open(), 7U);
  s.add(4); // 7..10
  EXPECT_EQ(s.open(), 4U);
  s.settle(8);
  EXPECT_EQ(s.lowest_open(), 7U);
  s.settle(7);
  EXPECT_EQ(s.lowest_open(), 9U);
  s.settle(10);
  s.settle(9);
  EXPECT_EQ(s.lowest_open(), 11U);
  EXPECT_EQ(s.open(), 0U);
}

TEST(settlements, strange_numbers_change_nothing) {
  settlements s(7);
  s.add(2);
  s.settle(6);
  s.settle(9);
  s.settle(8);
  s.settle(8);
  EXPECT_EQ(s.open(), 1U);
  EXPECT_EQ(s.lowest_open(), 7U);
  s.add(1);
  s.settle(7);
  EXPECT_EQ(s.lowest_open(), 9U);
}

// --- filed_marks ------------------------------------------------------------------------

class marks : public test::journal_directory {
 protected:
  filed_marks open() { return filed_marks::open(files_, directory_).value(); }
};

TEST_F(marks, are_believed_in_their_instance_only) {
  filed_marks made = open();
  EXPECT_FALSE(made.is_of("boot-1"));
  EXPECT_FALSE(made.is_of_another("boot-1")) << "nobody knows of which";
  EXPECT_FALSE(made.is_of(""));
  ASSERT_TRUE(made.forget("boot-1", trust::compare));
  made.set(5);
  made.set(6);
  const filed_marks again = open();
  EXPECT_TRUE(again.is_of("boot-1"));
  EXPECT_FALSE(again.is_of("boot-2"));
  EXPECT_TRUE(again.is_of_another("boot-2"));
  EXPECT_FALSE(again.is_of_another(""));
  EXPECT_TRUE(again.contains(5));
  EXPECT_TRUE(again.contains(6));
  EXPECT_FALSE(again.contains(7));
}

TEST_F(marks, without_an_instance_are_never_believed) {
  filed_marks made = open();
  ASSERT_TRUE(made.forget("", trust::compare));
  EXPECT_FALSE(open().is_of(""));
}

TEST_F(marks, are_gone_when_they_are_forgotten) {
  filed_marks made = open();
  ASSERT_TRUE(made.forget("boot-1", trust::compare));
  made.set(5);
  filed_marks again = open();
  ASSERT_TRUE(again.forget("boot-2", trust::rewrite));
  EXPECT_FALSE(again.contains(5));
  EXPECT_FALSE(open().contains(5));
  EXPECT_TRUE(open().is_of("boot-2"));
}

TEST_F(marks, remember_how_much_is_believed_of_the_rest) {
  filed_marks made = open();
  EXPECT_EQ(made.rest(), trust::compare);
  ASSERT_TRUE(made.forget("boot-1", trust::rewrite));
  EXPECT_EQ(made.rest(), trust::rewrite);
  EXPECT_EQ(open().rest(), trust::rewrite);
  ASSERT_TRUE(made.forget("boot-1", trust::compare));
  EXPECT_EQ(open().rest(), trust::compare);
  made.set(9);
  ASSERT_TRUE(made.complete());
  EXPECT_EQ(open().rest(), trust::marks);
  EXPECT_TRUE(open().contains(9));
}

TEST_F(marks, of_two_that_share_a_slot_the_later_one_stays) {
  filed_marks made = open();
  ASSERT_TRUE(made.forget("boot-1", trust::compare));
  made.set(3);
  made.set(3 + filed_layout::slots);
  EXPECT_FALSE(open().contains(3));
  EXPECT_TRUE(open().contains(3 + filed_layout::slots));
}

TEST_F(marks, a_file_cut_short_or_of_nonsense_is_not_believed) {
  filed_marks made = open();
  ASSERT_TRUE(made.forget("boot-1", trust::marks));
  made.set(3);
  const fs::handle file =
      memory_.open_at(directory_, filed_marks_name, fs::open_mode::read_write).value();
  ASSERT_TRUE(memory_.truncate(file, 300));
  EXPECT_FALSE(open().contains(3));
  EXPECT_EQ(open().rest(), trust::compare);
  const std::string nonsense(512, '\xff');
  const std::array<std::string_view, 1> pieces = {nonsense};
  ASSERT_TRUE(memory_.write(file, 0, pieces));
  EXPECT_FALSE(open().is_of("boot-1"));
  EXPECT_EQ(open().rest(), trust::compare);
}

TEST_F(marks, an_interrupted_forgetting_leaves_none_that_is_believed) {
  for (unsigned nth = 1; nth <= 4; ++nth) {
    filed_marks made = open();
    ASSERT_TRUE(made.forget("boot-1", trust::marks));
    made.set(3);
    files_.cut_power_at(nth);
    EXPECT_FALSE(made.forget("boot-1", trust::rewrite)) << nth;
    files_.reset();
    const filed_marks after = open();
    EXPECT_TRUE(nth == 1 || !after.is_of("boot-1")) << nth;
    EXPECT_TRUE(nth == 1 || !after.is_of_another("boot-2")) << nth;
  }
}

TEST_F(marks, are_never_synced) {
  filed_marks made = open();
  ASSERT_TRUE(made.forget("boot-1", trust::compare));
  made.set(3);
  ASSERT_TRUE(made.complete());
  EXPECT_EQ(files_.count(call::sync_data) + files_.count(call::sync_all), 0U);
}

// --- segment_pool -----------------------------------------------------------------------

TEST(segment_sizes, are_as_wanted_on_a_large_volume_and_small_on_a_small_one) {
  EXPECT_EQ(fit({64_MiB, 4}, 1024_GiB).size, 64_MiB);
  EXPECT_EQ(fit({64_MiB, 4}, 4_GiB).size, 64_MiB);
  EXPECT_EQ(fit({64_MiB, 4}, 1_GiB).size, 16_MiB);
  EXPECT_EQ(fit({64_MiB, 4}, 100_MiB).size, 1_MiB);
  EXPECT_EQ(fit({64_MiB, 4}, 1_MiB).size, 1_MiB);
  EXPECT_EQ(fit({1_KiB, 4}, 1024_GiB).size, 1_MiB);
  EXPECT_EQ(fit({64_MiB, 4}, 1_GiB).count, 4U);
}

class a_pool : public test::journal_directory {
 protected:
  segment_pool make() {
    const result<journal_index> found = read_index(memory_, directory_, "farm");
    EXPECT_TRUE(found) << describe(found.error());
    return {files_, directory_, {.volume = {1, 2, 3}, .farm = "farm"}, *found};
  }
  static constexpr segment_sizes three{byte_count{smallest_segment}, 3};
};

TEST_F(a_pool, reserves_its_space_durably) {
  segment_pool pool = make();
  ASSERT_TRUE(pool.reserve(three));
  EXPECT_EQ(pool.unused(), 3U);
  EXPECT_EQ(pool.octets_in_all(), 3 * smallest_segment);
  EXPECT_EQ(pool.smallest(), smallest_segment);
  memory_.crash(fs::crash_keeps::nothing, 1);
  directory_ = memory_.open_directory(path).value();
  EXPECT_EQ(names().size(), 3U);
  EXPECT_EQ(memory_.status_at(directory_, "segment-00000001")->size, smallest_segment);
}

TEST_F(a_pool, writes_a_new_segment_whole_before_it_is_synced) {
  segment_pool pool = make();
  files_.reset();
  ASSERT_TRUE(pool.reserve({three.size, 1}));
  const std::vector<call> calls = files_.calls();
  const std::vector last{call::write, call::write,    call::write,
                         call::write, call::sync_all, call::sync_all}; // 256 KiB each; the name
  ASSERT_GE(calls.size(), last.size());
  EXPECT_TRUE(std::equal(last.rbegin(), last.rend(), calls.rbegin()));
  EXPECT_EQ(std::count(calls.begin(), calls.end(), call::write), 4);
}

TEST_F(a_pool, says_what_to_do_when_there_is_no_room) {
  memory_.set_capacity(2_MiB);
  segment_pool pool = make();
  const result<void> reserved = pool.reserve(three);
  ASSERT_FALSE(reserved);
  EXPECT_EQ(reserved.error().reason, failure_reason::full);
  EXPECT_NE(reserved.error().advice.find("journal.segment_size"), std::string::npos);
  EXPECT_EQ(names().size(), 2U) << "the third is not left half made";
  memory_.set_capacity(1_GiB);
  EXPECT_TRUE(pool.reserve(three));
  EXPECT_EQ(pool.unused(), 3U);
}

TEST_F(a_pool, one_segment_always_stays_unused_but_for_the_first_of_a_start) {
  segment_pool pool = make();
  ASSERT_TRUE(pool.reserve({three.size, 1}));
  EXPECT_TRUE(pool.has_one_to_begin());
  EXPECT_TRUE(pool.begin_next(1, 1, {}).value());
  EXPECT_FALSE(pool.has_one_to_begin());
  EXPECT_FALSE(pool.begin_next(1, 1, {}).value());
  segment_pool larger = make();
  ASSERT_TRUE(larger.reserve(three));
  EXPECT_TRUE(larger.begin_next(1, 1, {}).value());
  EXPECT_FALSE(larger.has_one_to_begin());
  EXPECT_FALSE(larger.begin_next(2, 1, {}).value());
}

TEST_F(a_pool, writes_and_syncs_the_header_before_a_segment_is_used) {
  segment_pool pool = make();
  ASSERT_TRUE(pool.reserve(three));
  files_.reset();
  const auto begun = pool.begin_next(5, 5, {});
  ASSERT_TRUE(begun && *begun);
  EXPECT_EQ(files_.calls(), (std::vector{call::write, call::sync_data}));
  const auto header = read_index(memory_, directory_, "farm")->live.front().header;
  EXPECT_EQ(header->first_record, 5U);
  EXPECT_EQ(header->checkpoint, 5U);
  EXPECT_EQ(header->generation, (*begun)->generation);
}

TEST_F(a_pool, retires_what_lies_wholly_below_and_uses_it_again) {
  segment_pool pool = make();
  ASSERT_TRUE(pool.reserve(three));
  const std::string first = pool.begin_next(1, 1, {}).value()->name;
  (void)pool.begin_next(10, 1, {}).value();
  EXPECT_EQ(pool.retire_below(9), 0U);
  EXPECT_FALSE(pool.would_retire(9));
  EXPECT_TRUE(pool.would_retire(10));
  EXPECT_EQ(pool.retire_below(10), 1U);
  EXPECT_EQ(pool.retire_below(100), 0U) << "the last one is in use";
  EXPECT_EQ(pool.unused(), 2U);
  EXPECT_NE(pool.begin_next(20, 10, {}).value()->name, first) << "in turn";
}

TEST_F(a_pool, gives_back_all_unused_segments_but_one) {
  segment_pool pool = make();
  ASSERT_TRUE(pool.reserve(three));
  EXPECT_EQ(pool.release_spares(), 2U);
  EXPECT_EQ(names().size(), 1U);
  EXPECT_EQ(pool.release_spares(), 0U);
  ASSERT_TRUE(pool.reserve(three));
  EXPECT_EQ(names().size(), 3U);
}

TEST_F(a_pool, a_failed_header_is_no_segment) {
  segment_pool pool = make();
  ASSERT_TRUE(pool.reserve(three));
  files_.plan({.kind = call::sync_data});
  EXPECT_FALSE(pool.begin_next(1, 1, {}));
}

// --- parked_records ---------------------------------------------------------------------

class parking : public test::journal_directory {
 protected:
  parked_file begin(const std::string& partition = "p") {
    return {files_, directory_, whose_, partition};
  }
  const journal_identity whose_{.volume = {1, 2, 3}, .farm = "farm"};
};

TEST_F(parking, what_was_finished_is_read_again_after_a_power_cut) {
  parked_file file = begin();
  ASSERT_TRUE(file.add(delivery_of("one\r\n"), {}));
  ASSERT_TRUE(file.add(delivery_of("two\r\n"), {0, 2}));
  ASSERT_TRUE(file.finish(5));
  EXPECT_EQ(file.deliveries(), 2U);
  memory_.crash(fs::crash_keeps::nothing, 1);
  directory_ = memory_.open_directory(path).value();
  EXPECT_EQ(list_parked(memory_, directory_, "p").value(), std::vector{file.name()});
  EXPECT_TRUE(list_parked(memory_, directory_, "q").value().empty());
  EXPECT_EQ(look_at_header(memory_, directory_, file.name()).value(), parked_header::whole);
  const auto source = open_parked(memory_, directory_, file.name());
  ASSERT_TRUE(source);
  std::vector<record> records;
  std::vector<std::string> messages;
  const auto scan = scan_segment(memory_, source->file, source->header, 0,
                                 [&](const record_place& where, std::string_view payload) {
                                   records.push_back(decode_payload(where.type, payload).value());
                                   return true;
                                 });
  ASSERT_TRUE(scan);
  EXPECT_EQ(scan->how, segment_end::clean);
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(std::get<delivery_record>(records[0]).name, "1.a.b");
  EXPECT_EQ(std::get<abort_record>(records[2]).recipients, (std::vector<std::uint32_t>{0, 2}));
}

TEST_F(parking, without_mail_there_is_no_file) {
  parked_file file = begin();
  ASSERT_TRUE(file.finish(5));
  EXPECT_TRUE(names().empty());
}

TEST_F(parking, the_header_is_written_when_all_else_is_synced) {
  parked_file file = begin();
  ASSERT_TRUE(file.add(delivery_of("one\r\n"), {}));
  EXPECT_EQ(look_at_header(memory_, directory_, file.name()).value(), parked_header::none);
  files_.reset();
  ASSERT_TRUE(file.finish(5));
  EXPECT_EQ(files_.calls(),
            (std::vector{call::sync_all, call::write, call::sync_all, call::sync_all}));
}

TEST_F(parking, an_unfinished_file_a_torn_header_and_a_fault_are_told_apart) {
  parked_file file = begin();
  ASSERT_TRUE(file.add(delivery_of("one\r\n"), {}));
  EXPECT_EQ(look_at_header(files_, directory_, file.name()).value(), parked_header::none);
  ASSERT_TRUE(file.finish(5));
  files_.plan({.kind = call::open_at});
  EXPECT_FALSE(look_at_header(files_, directory_, file.name()));
  files_.plan({.kind = call::read});
  EXPECT_FALSE(look_at_header(files_, directory_, file.name()));
  const fs::handle written =
      memory_.open_at(directory_, file.name(), fs::open_mode::read_write).value();
  const std::array<std::string_view, 1> pieces = {"x"};
  ASSERT_TRUE(memory_.write(written, 100, pieces));
  EXPECT_EQ(look_at_header(files_, directory_, file.name()).value(), parked_header::unreadable);
}

TEST_F(parking, a_fault_at_any_call_leaves_no_finished_file) {
  for (unsigned nth = 1; nth <= 6; ++nth) {
    files_.reset();
    files_.plan({.nth = nth});
    parked_file file = begin();
    const bool finished = file.add(delivery_of("one\r\n"), {}) && file.finish(5);
    EXPECT_FALSE(finished) << nth;
    EXPECT_EQ(files_.calls().size(), nth) << "nothing is tried again";
  }
}

// --- failed_note ------------------------------------------------------------------------

class the_note : public test::journal_directory {};

TEST_F(the_note, is_left_once_and_says_why) {
  EXPECT_FALSE(has_failed_note(files_, directory_).value());
  leave_failed_note(files_, directory_, transient_failure("the disk went away"), {});
  EXPECT_TRUE(has_failed_note(files_, directory_).value());
  leave_failed_note(files_, directory_, transient_failure("again"), {});
  const auto file = memory_.open_at(directory_, failed_note_name, fs::open_mode::read).value();
  std::array<char, 100> text{};
  const std::size_t octets = memory_.read(file, 0, text).value();
  EXPECT_NE(std::string_view(text.data(), octets).find("the disk went away"),
            std::string_view::npos);
}

TEST_F(the_note, is_removed_durably) {
  ASSERT_TRUE(remove_failed_note(files_, directory_)) << "there was none";
  leave_failed_note(files_, directory_, transient_failure("x"), {});
  ASSERT_TRUE(memory_.sync_file_system(directory_));
  ASSERT_TRUE(remove_failed_note(files_, directory_));
  memory_.crash(fs::crash_keeps::nothing, 1);
  directory_ = memory_.open_directory(path).value();
  EXPECT_FALSE(has("failed"));
}

TEST_F(the_note, a_disk_that_does_not_answer_is_no_good_news) {
  files_.plan({.kind = call::status_at});
  EXPECT_FALSE(has_failed_note(files_, directory_));
}

} // namespace
} // namespace homeward::journal
