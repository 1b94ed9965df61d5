#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/journal/journal_files.hpp"

namespace homeward::journal {
namespace {

std::vector<std::string> names_of(const std::vector<segment_file>& segments) {
  std::vector<std::string> names;
  for (const segment_file& s : segments) {
    names.push_back(s.name);
  }
  return names;
}

std::vector<record_number> numbers(const std::vector<seen_record>& records) {
  std::vector<record_number> all;
  for (const seen_record& r : records) {
    all.push_back(r.where.number);
  }
  return all;
}

using strings = std::vector<std::string>;

// Segments of generation 1, 2 and 3 with two records each, none of them settled.
void put_three(journal_files& files, record_number checkpoint = 1) {
  for (std::uint64_t generation = 1; generation <= 3; ++generation) {
    segment_writer w(test_header(generation, 2 * generation - 1, generation == 3 ? checkpoint : 1));
    w.group({test_delivery("a")}).group({test_delivery("b")});
    files.put(fmt::format("segment-{:08}", generation), w);
  }
}

TEST(journal_index, of_an_empty_directory) {
  journal_files files;
  const auto index = files.index("farm");
  ASSERT_TRUE(index) << describe(index.error());
  EXPECT_FALSE(index->whose);
  EXPECT_TRUE(index->live.empty());
  EXPECT_TRUE(index->unused.empty());
  EXPECT_EQ(index->checkpoint, 1U);
  EXPECT_EQ(index->next_record, 1U);
  EXPECT_EQ(index->next_generation, 1U);
}

TEST(journal_index, segments_never_used_are_unused) {
  journal_files files;
  files.put("segment-00000001", std::string(65536, '\0'));
  files.put("segment-00000002", "");
  files.put("segment-00000003", std::string(100, '\0')); // its space was not reserved yet
  files.put("segment-4", "not ours");
  files.put("segment-0000000x", "not ours");
  files.put("filed", "not a segment");
  const auto index = files.index("farm");
  ASSERT_TRUE(index) << describe(index.error());
  EXPECT_EQ(names_of(index->unused),
            (strings{"segment-00000001", "segment-00000002", "segment-00000003"}));
  EXPECT_EQ(index->unused[0].size, 65536U);
  EXPECT_FALSE(index->unused[0].header);
}

TEST(journal_index, a_segment_without_records) {
  journal_files files;
  files.put("segment-00000001", segment_writer(test_header(9, 501, 480)));
  EXPECT_NE(files.refusal().find("records 480 to 500 are nowhere"), std::string::npos)
      << files.refusal();
  files.put("segment-00000001", segment_writer(test_header(9, 501, 501)));
  const auto index = files.index("farm");
  ASSERT_TRUE(index) << describe(index.error());
  EXPECT_EQ(names_of(index->live), strings{"segment-00000001"});
  EXPECT_EQ(index->next_record, 501U);
  EXPECT_EQ(index->checkpoint, 501U);
  EXPECT_EQ(index->next_generation, 10U);
  EXPECT_EQ(index->whose->farm, "farm");
  EXPECT_EQ(index->whose->volume, test_volume);
}

TEST(journal_index, an_empty_segment_behind_and_between) {
  journal_files files;
  segment_writer first(test_header(1, 1));
  first.group({test_delivery("a")});
  files.put("segment-00000001", first);
  files.put("segment-00000002", segment_writer(test_header(2, 2)));
  files.put("segment-00000003", segment_writer(test_header(3, 2)));
  auto index = files.index();
  ASSERT_TRUE(index) << describe(index.error());
  EXPECT_EQ(index->live.size(), 3U);
  EXPECT_EQ(index->next_record, 2U);
  EXPECT_EQ(numbers(files.records(*index, 1)), std::vector<record_number>{1});
}

TEST(journal_index, all_segments_are_live_when_nothing_was_settled) {
  journal_files files;
  put_three(files);
  const auto index = files.index();
  ASSERT_TRUE(index) << describe(index.error());
  EXPECT_EQ(names_of(index->live),
            (strings{"segment-00000001", "segment-00000002", "segment-00000003"}));
  EXPECT_EQ(index->next_record, 7U);
  EXPECT_EQ(index->next_generation, 4U);
  EXPECT_FALSE(index->torn);
  EXPECT_EQ(numbers(files.records(*index, 1)), (std::vector<record_number>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(numbers(files.records(*index, 4)), (std::vector<record_number>{4, 5, 6}));
  EXPECT_TRUE(files.records(*index, 7).empty());
}

TEST(journal_index, the_order_is_that_of_the_generations_not_of_the_names) {
  journal_files files;
  put_three(files);
  const std::string third = files.get("segment-00000003");
  files.put("segment-00000003", files.get("segment-00000001"));
  files.put("segment-00000001", third);
  const auto index = files.index();
  ASSERT_TRUE(index) << describe(index.error());
  EXPECT_EQ(names_of(index->live),
            (strings{"segment-00000003", "segment-00000002", "segment-00000001"}));
}

TEST(journal_index, the_checkpoint_of_the_newest_header_counts) {
  for (const auto& [checkpoint, live] :
       {std::pair<record_number, std::size_t>{1, 3}, {2, 3}, {3, 2}, {4, 2}, {5, 1}}) {
    journal_files files;
    put_three(files, checkpoint);
    const auto index = files.index();
    ASSERT_TRUE(index) << describe(index.error());
    EXPECT_EQ(index->checkpoint, checkpoint);
    EXPECT_EQ(index->live.size(), live) << checkpoint;
    EXPECT_EQ(index->unused.size(), 3 - live);
  }
}

TEST(journal_index, a_checkpoint_record_counts_more) {
  journal_files files;
  put_three(files);
  segment_writer w(test_header(4, 7, 3));
  w.group({checkpoint_record{.below = 5}, test_delivery("c")});
  w.group({checkpoint_record{.below = 6}, checkpoint_record{.below = 4}});
  files.put("segment-00000004", w);
  const auto index = files.index();
  ASSERT_TRUE(index) << describe(index.error());
  EXPECT_EQ(index->checkpoint, 6U);
  EXPECT_EQ(names_of(index->live), (strings{"segment-00000003", "segment-00000004"}));
  EXPECT_EQ(names_of(index->unused), (strings{"segment-00000001", "segment-00000002"}));
}

TEST(journal_index, the_newest_is_live_though_everything_is_settled) {
  journal_files files;
  put_three(files);
  segment_writer w(test_header(4, 7, 3));
  w.group({checkpoint_record{.below = 7}});
  files.put("segment-00000004", w);
  auto index = files.index();
  ASSERT_TRUE(index) << describe(index.error());
  EXPECT_EQ(names_of(index->live), strings{"segment-00000004"});
  EXPECT_EQ(index->checkpoint, 7U);
  EXPECT_EQ(index->next_record, 8U);
}

TEST(journal_index, what_is_not_needed_may_be_gone_or_rotten) {
  journal_files files;
  put_three(files, 5);
  files.overwrite("segment-00000002", 2 * block_size + 100, "rotten");
  files.remove("segment-00000001");
  const auto index = files.index();
  ASSERT_TRUE(index) << describe(index.error());
  EXPECT_EQ(names_of(index->live), strings{"segment-00000003"});
  EXPECT_EQ(names_of(index->unused), strings{"segment-00000002"});
}

TEST(journal_index, a_header_torn_at_its_first_use_is_unused) {
  journal_files files;
  const std::string header = encode(test_header(1, 1));
  files.put("segment-00000001", header.substr(0, 2048) + std::string(63488, '\0'));
  auto index = files.index();
  ASSERT_TRUE(index) << describe(index.error());
  EXPECT_EQ(names_of(index->unused), strings{"segment-00000001"});
  EXPECT_FALSE(index->unused[0].header);
}

TEST(journal_index, a_header_torn_when_a_segment_is_used_again_is_unused) {
  journal_files files;
  put_three(files, 5);
  const std::string old = files.get("segment-00000001");
  const std::string header = encode(test_header(4, 7, 5));
  files.put("segment-00000001", header.substr(0, 512) + old.substr(512));
  const auto index = files.index();
  ASSERT_TRUE(index) << describe(index.error());
  EXPECT_EQ(names_of(index->live), strings{"segment-00000003"});
  EXPECT_EQ(names_of(index->unused), (strings{"segment-00000002", "segment-00000001"}));
  EXPECT_EQ(index->next_generation, 4U);
}

TEST(journal_index, records_go_to_the_visitor_until_it_has_enough) {
  journal_files files;
  put_three(files);
  const auto index = files.index();
  ASSERT_TRUE(index);
  strings from;
  const auto read = for_each_record(
      files.files(), files.directory(), *index, 2,
      [&](const segment_file& segment, const record_place& where, std::string_view) {
        from.push_back(fmt::format("{} {}", segment.name, where.number));
        return where.number < 4;
      });
  ASSERT_TRUE(read);
  EXPECT_EQ(from, (strings{"segment-00000001 2", "segment-00000002 3", "segment-00000002 4"}));
}

TEST(journal_index, a_reader_that_is_too_slow_is_told) {
  journal_files files;
  put_three(files);
  const auto index = files.index();
  ASSERT_TRUE(index);
  files.overwrite("segment-00000001", 0, encode(test_header(4, 7, 5)));
  const auto nothing = [](const segment_file&, const record_place&, std::string_view) {
    return true;
  };
  const auto read = for_each_record(files.files(), files.directory(), *index, 1, nothing);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().what, "the journal has moved on");
  EXPECT_TRUE(for_each_record(files.files(), files.directory(), *index, 3, nothing));
}

TEST(journal_index, a_follower_sees_what_was_written_after_the_index) {
  journal_files files;
  segment_writer w(test_header(1, 1));
  w.group({test_delivery("a")});
  files.put("segment-00000001", w);
  const auto index = files.index();
  ASSERT_TRUE(index);
  w.group({test_delivery("b")});
  files.overwrite("segment-00000001", 0, w.octets());
  EXPECT_EQ(numbers(files.records(*index, index->next_record)), std::vector<record_number>{2});
}

} // namespace
} // namespace homeward::journal
