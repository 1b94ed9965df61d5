// Single bits that flip in what was synced. Every one is detected, unless it is in the padding
// behind a record or a group, which says nothing and is not read.

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/journal/journal_files.hpp"

namespace homeward::journal {
namespace {

struct rotting_segment {
  std::string name;
  segment_writer written;
  std::size_t synced = 0;      // octets from the start of the file
  std::vector<bool> padding{}; // by octet
};

// Which octets say nothing.
std::vector<bool> padding_of(journal_files& files, const segment_writer& w) {
  std::vector<bool> padding(w.octets().size(), true);
  const auto says = [&](std::size_t at, std::size_t octets) {
    std::fill_n(padding.begin() + static_cast<std::ptrdiff_t>(at), octets, false);
  };
  says(0, block_size);
  for (const std::size_t group : w.starts()) {
    says(group, group_header_size);
  }
  for (const seen_record& r : files.scan(w.file(), w.header()).records) {
    says(r.where.offset, record_header_size + r.where.octets);
  }
  return padding;
}

TEST(bit_rot, ten_thousand_flipped_bits_are_detected_or_say_nothing) {
  journal_files files;
  const std::string message(2500, 'm');
  segment_writer older(test_header(6, 31, 31, 8 * block_size));
  older.group({test_delivery("a"), test_delivery(message)}).group({test_delivery(message)});
  older.group({test_delivery("b"), test_delivery("c"), test_delivery(message)});
  segment_writer newer(test_header(7, older.next_record(), 31, 8 * block_size));
  newer.group({test_delivery("d")}).group({test_delivery(message), test_delivery(message)});
  newer.group({abort_record{.delivery = 33, .recipients = {0}}, test_delivery("e")});
  newer.group({test_delivery("not proved to be synced")});
  std::vector<rotting_segment> segments = {
      {"segment-00000001", older, older.octets().size()},
      {"segment-00000002", newer, newer.starts().back()},
  };
  for (rotting_segment& s : segments) {
    s.padding = padding_of(files, s.written);
    files.put(s.name, s.written);
  }
  files.remove("scanned");
  const auto intact = files.index();
  ASSERT_TRUE(intact) << describe(intact.error());
  const auto all = files.records(*intact, 1);
  ASSERT_EQ(all.size(), 12U);

  std::mt19937_64 chance(20261120);
  int harmless = 0;
  for (int flip = 0; flip < 10000; ++flip) {
    const rotting_segment& s = segments[chance() % 2];
    const std::size_t at = chance() % s.synced;
    const std::uint64_t bit = chance() % 8;
    SCOPED_TRACE(fmt::format("{} at {} bit {}", s.name, at, bit));
    const char good = s.written.octets()[at];
    const char bad = flipped(good, bit);
    files.overwrite(s.name, at, std::string_view(&bad, 1));
    const auto read = files.index();
    if (s.padding[at]) {
      ++harmless;
      ASSERT_TRUE(read) << describe(read.error());
      ASSERT_EQ(files.records(*read, 1), all);
    } else {
      ASSERT_FALSE(read);
      const std::string why = describe(read.error());
      ASSERT_NE(why.find(s.name), std::string::npos) << why;
      ASSERT_NE(why.find("offset"), std::string::npos) << why;
    }
    files.overwrite(s.name, at, std::string_view(&good, 1));
  }
  EXPECT_GT(harmless, 500);
  EXPECT_LT(harmless, 5000);
  EXPECT_EQ(files.records(*files.index(), 1), all);
}

} // namespace
} // namespace homeward::journal
