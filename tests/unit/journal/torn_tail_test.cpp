// A crash in the middle of a write leaves any part of the last group. Whatever it leaves: what is
// recovered is exactly the leading records that are whole, and recovering again changes nothing.

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/journal/journal_files.hpp"

namespace homeward::journal {
namespace {

class torn_tail : public ::testing::Test {
 protected:
  torn_tail() : writer_(test_header(4, 21, 21, 9 * block_size)) {
    writer_.group({test_delivery("synced"), test_delivery(std::string(4100, 's'))});
    writer_.group({test_delivery(std::string(300, 'p')), test_delivery(std::string(4200, 'q'))});
    writer_.group({test_delivery(std::string(1000, 'r')),
                   abort_record{.delivery = 25, .recipients = {1}},
                   test_delivery(std::string(4300, 't')), checkpoint_record{.below = 21}});
    whole_ = writer_.file();
    all_ = files_.scan(whole_, writer_.header()).records;
    files_.remove("scanned");
  }

  [[nodiscard]] bool same(const std::string& content, std::size_t at, std::size_t octets) const {
    return content.substr(std::min(at, content.size()), octets) == whole_.substr(at, octets);
  }
  // What has to be recovered from the content: up to the first record that is not as it was.
  [[nodiscard]] std::size_t expected_records(const std::string& content) const {
    std::size_t expected = 0;
    for (const seen_record& r : all_) {
      const auto group = std::upper_bound(writer_.starts().begin(), writer_.starts().end(),
                                          static_cast<std::size_t>(r.where.offset)) -
                         1;
      if (!same(content, *group, group_header_size) ||
          !same(content, r.where.offset, record_header_size + r.where.octets)) {
        break;
      }
      ++expected;
    }
    return expected;
  }

  void expect_recovered(const std::string& content, const std::string& trace) {
    SCOPED_TRACE(trace);
    const std::size_t expected = expected_records(content);
    files_.put("segment-00000001", content);
    const auto first = files_.index();
    ASSERT_TRUE(first) << describe(first.error());
    ASSERT_EQ(first->next_record, 21 + expected);
    const std::vector<seen_record> recovered = files_.records(*first, first->checkpoint);
    ASSERT_EQ(recovered, std::vector<seen_record>(
                             all_.begin(), all_.begin() + static_cast<std::ptrdiff_t>(expected)));
    if (!first->torn) { // then nothing of the lost records may speak of a later group
      ASSERT_EQ(content.size(), whole_.size());
    }
    // The store goes on in a new segment and dies again.
    segment_header next = test_header(5, first->next_record, first->checkpoint);
    next.size = block_size;
    files_.put("segment-00000002", encode(next));
    const auto second = files_.index();
    ASSERT_TRUE(second) << describe(second.error());
    ASSERT_EQ(second->next_record, first->next_record);
    ASSERT_EQ(files_.records(*second, second->checkpoint), recovered);
    files_.remove("segment-00000002");
  }

  journal_files files_;
  segment_writer writer_;
  std::string whole_;
  std::vector<seen_record> all_;
};

TEST_F(torn_tail, cut_at_every_octet_of_the_last_two_groups) {
  ASSERT_EQ(all_.size(), 8U);
  for (std::size_t at = writer_.starts()[1]; at <= writer_.octets().size(); ++at) {
    expect_recovered(whole_.substr(0, at), fmt::format("the file ends at {}", at));
    std::string zeros = whole_;
    zeros.replace(at, std::string::npos, zeros.size() - at, '\0');
    expect_recovered(zeros, fmt::format("zeros from {} on", at));
    if (HasFatalFailure()) {
      return;
    }
  }
}

TEST_F(torn_tail, cut_at_every_octet_over_an_earlier_use) {
  segment_writer earlier(test_header(1, 1, 1, 9 * block_size));
  earlier.group({test_delivery(std::string(9 * block_size - 4800, 'e'))});
  const std::string old = earlier.file();
  for (std::size_t at = writer_.starts()[2]; at <= writer_.octets().size(); ++at) {
    expect_recovered(whole_.substr(0, at) + old.substr(at), fmt::format("old from {} on", at));
    if (HasFatalFailure()) {
      return;
    }
  }
}

TEST_F(torn_tail, every_sector_of_the_last_group_lost) {
  for (const std::size_t sector : {std::size_t{512}, block_size}) {
    for (std::size_t at = writer_.starts()[2]; at < whole_.size(); at += sector) {
      std::string content = whole_;
      content.replace(at, sector, sector, '\0');
      expect_recovered(content, fmt::format("{} zeros at {}", sector, at));
    }
  }
}

TEST_F(torn_tail, every_set_of_blocks_of_the_last_group_lost) {
  const std::size_t start = writer_.starts()[2];
  const std::size_t blocks = (writer_.octets().size() - start) / 512;
  std::mt19937_64 chance(7);
  for (int i = 0; i < 2000; ++i) {
    std::string content = whole_;
    const std::uint64_t kept = chance();
    for (std::size_t b = 0; b < blocks; ++b) {
      if ((kept >> b & 1U) == 0) {
        content.replace(start + b * 512, 512, 512, '\0');
      }
    }
    expect_recovered(content, fmt::format("kept {:x}", kept));
  }
}

TEST_F(torn_tail, random_garbage) {
  std::mt19937_64 chance(8);
  for (int i = 0; i < 2000; ++i) {
    std::string content = whole_;
    const std::size_t start = writer_.starts()[2];
    const std::size_t from = start + chance() % (content.size() - start);
    const std::size_t until = from + chance() % (content.size() - from + 1);
    for (std::size_t at = from; at < until; ++at) {
      content[at] = static_cast<char>(chance());
    }
    expect_recovered(content, fmt::format("garbage from {} to {}", from, until));
  }
}

TEST_F(torn_tail, is_kept_aside_once) {
  std::string content = whole_;
  const std::size_t lost = writer_.starts()[2] + 4096;
  content.replace(lost, 512, 512, '\0');
  files_.put("segment-00000001", content);
  const auto index = files_.index();
  ASSERT_TRUE(index && index->torn);
  ASSERT_TRUE(keep_torn_end(files_.files(), files_.directory(), *index));
  const std::string name = fmt::format("torn-4-{}", index->torn->bad_offset);
  EXPECT_EQ(files_.names(), (std::vector<std::string>{"segment-00000001", name}));
  EXPECT_EQ(files_.get(name), content.substr(index->torn->bad_offset,
                                             writer_.octets().size() - index->torn->bad_offset));
  EXPECT_EQ(files_.get(name).size(), index->torn->bad_octets);
  files_.overwrite(name, 0, "as it was");
  ASSERT_TRUE(keep_torn_end(files_.files(), files_.directory(), *index));
  EXPECT_EQ(files_.get(name).substr(0, 9), "as it was");
}

TEST_F(torn_tail, the_copy_outlives_a_power_cut_or_is_made_again) {
  std::string content = whole_;
  content.replace(writer_.starts()[2] + 4096, 512, 512, '\0');
  files_.put("segment-00000001", content);
  files_.put("new-torn-4-0", "left by a crash");
  auto index = files_.index();
  ASSERT_TRUE(index && index->torn);
  files_.put(fmt::format("new-torn-4-{}", index->torn->bad_offset), "left by a crash");
  ASSERT_TRUE(keep_torn_end(files_.files(), files_.directory(), *index));
  files_.files().crash(fs::crash_keeps::nothing, 1);
  const auto directory = files_.files().open_directory("/journal");
  const auto copy =
      files_.files().status_at(*directory, fmt::format("torn-4-{}", index->torn->bad_offset));
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy->size, index->torn->bad_octets);
}

// The journal as a power cut leaves it when the store was killed between a write and its sync, has
// recovered and gone on in the next segment.
std::string after_kill_and_power_cut(const std::string& synced, const std::string& written,
                                     std::size_t from, bool secured) {
  journal_files files;
  files.put("segment-00000001", synced);
  const auto name = std::string("segment-00000001");
  (void)files.files().sync_all(
      *files.files().open_at(files.directory(), name, fs::open_mode::read));
  (void)files.files().sync_all(files.directory());
  files.overwrite(name, from, written.substr(from));
  const auto index = files.index();
  if (!index || (secured && !secure_last_group(files.files(), files.directory(), *index))) {
    return "refused at once";
  }
  segment_header next = test_header(5, index->next_record, index->checkpoint);
  files.put("segment-00000002", encode(next));
  (void)files.files().sync_all(
      *files.files().open_at(files.directory(), "segment-00000002", fs::open_mode::read));
  (void)files.files().sync_all(files.directory());
  files.files().crash(fs::crash_keeps::nothing, 1);
  const auto directory = files.files().open_directory("/journal");
  const auto again = read_index(files.files(), *directory, {});
  return again ? fmt::format("next {}", again->next_record) : describe(again.error());
}

TEST_F(torn_tail, what_was_recovered_outlives_a_power_cut_when_it_was_secured) {
  const std::size_t last = writer_.starts()[2];
  std::string before = whole_;
  before.replace(last, std::string::npos, whole_.size() - last, '\0');
  EXPECT_EQ(after_kill_and_power_cut(before, whole_, last, true), "next 29");
  EXPECT_NE(after_kill_and_power_cut(before, whole_, last, false), "next 29");
  // The same when only a part of the last group was written.
  std::string part = whole_;
  part.replace(last + 4096, std::string::npos, whole_.size() - last - 4096, '\0');
  EXPECT_EQ(after_kill_and_power_cut(before, part, last, true), "next 27");
  EXPECT_NE(after_kill_and_power_cut(before, part, last, false), "next 27");
}

TEST_F(torn_tail, the_unproved_octets_are_the_last_group_that_gave_records) {
  const auto unproved = [this](const std::string& content) {
    files_.put("segment-00000001", content);
    const auto index = files_.index();
    return index ? std::pair(index->unproved, index->unproved_end)
                 : std::pair<std::uint64_t, std::uint64_t>();
  };
  using range = std::pair<std::uint64_t, std::uint64_t>;
  EXPECT_EQ(unproved(whole_), range(writer_.starts()[2], writer_.octets().size()));
  const std::string without_last = whole_.substr(0, writer_.starts()[2]);
  EXPECT_EQ(unproved(without_last), range(writer_.starts()[1], writer_.starts()[2]));
  std::string torn = whole_;
  torn[all_[6].where.offset] ^= 1;
  EXPECT_EQ(unproved(torn), range(writer_.starts()[2], all_[6].where.offset));
  EXPECT_EQ(unproved(whole_.substr(0, block_size)), range(0, block_size));
}

TEST_F(torn_tail, nothing_is_kept_of_a_clean_end) {
  files_.put("segment-00000001", whole_);
  const auto index = files_.index();
  ASSERT_TRUE(index);
  EXPECT_FALSE(index->torn);
  ASSERT_TRUE(keep_torn_end(files_.files(), files_.directory(), *index));
  EXPECT_EQ(files_.names(), std::vector<std::string>{"segment-00000001"});
}

} // namespace
} // namespace homeward::journal
