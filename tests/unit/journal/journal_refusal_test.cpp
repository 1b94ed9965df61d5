// What is no journal of ours, or not all of it, is refused with a reason that names file and
// offset; nothing is guessed and nothing is skipped.

#include <cerrno>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/fs/faulty_file_system.hpp"

#include "stored/journal/little_endian.hpp"
#include "tests/unit/journal/journal_files.hpp"

namespace homeward::journal {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class refusal : public ::testing::Test {
 protected:
  refusal() {
    for (std::uint64_t generation = 1; generation <= 3; ++generation) {
      segment_writer w(test_header(generation, 2 * generation - 1));
      w.group({test_delivery("a")}).group({test_delivery("b")});
      files_.put(name(generation), w);
    }
  }
  static std::string name(std::uint64_t number) { return fmt::format("segment-{:08}", number); }
  void put_header(std::uint64_t number, const segment_header& h) {
    files_.overwrite(name(number), 0, encode(h));
  }
  void expect_readable() { EXPECT_EQ(files_.refusal("farm"), "it was read"); }

  journal_files files_;
};

TEST_F(refusal, nothing_is_wrong_at_first) {
  expect_readable();
}

TEST_F(refusal, a_newer_format_version) {
  std::string block = encode(test_header(2, 3));
  store(&block[8], std::uint32_t{2});
  store(&block[4092], crc32c(block.substr(0, 4092)));
  files_.overwrite(name(2), 0, block);
  EXPECT_THAT(files_.refusal(),
              AllOf(HasSubstr("newer version"), HasSubstr("segment-00000002 at offset 0"),
                    HasSubstr("its format version is 2, this program knows 1")));
}

TEST_F(refusal, a_newer_format_version_whose_checksum_lies_elsewhere) {
  std::string block = encode(test_header(9, 3));
  store(&block[8], std::uint32_t{7});
  files_.overwrite(name(1), 0, block);
  EXPECT_THAT(files_.refusal(), HasSubstr("its format version is 7"));
}

TEST_F(refusal, a_record_of_an_unknown_type) {
  std::string content = files_.get(name(2));
  const std::size_t at = block_size + group_header_size;
  record_header h = *decode_record_header(content.substr(at), test_volume);
  h.type = static_cast<record_type>(5);
  encode(h, test_volume, &content[at]);
  files_.put(name(2), content);
  EXPECT_THAT(files_.refusal(),
              AllOf(HasSubstr("segment-00000002"),
                    HasSubstr("record 3 at offset 4160 is of type 5"), HasSubstr("newer version")));
}

TEST_F(refusal, a_missing_segment_in_the_middle) {
  files_.remove(name(2));
  EXPECT_THAT(files_.refusal(), AllOf(HasSubstr("records 3 to 4 are nowhere"),
                                      HasSubstr("behind offset 12288 of "
                                                "segment-00000001"),
                                      HasSubstr("before segment-00000003")));
}

TEST_F(refusal, a_missing_segment_at_the_beginning) {
  files_.remove(name(1));
  EXPECT_THAT(files_.refusal(),
              AllOf(HasSubstr("records 1 to 2 are nowhere"), HasSubstr("before segment-00000002")));
}

TEST_F(refusal, a_middle_segment_made_empty) {
  files_.put(name(2), std::string(65536, '\0'));
  EXPECT_THAT(files_.refusal(), HasSubstr("records 3 to 4 are nowhere"));
  files_.put(name(2), segment_writer(test_header(2, 3)));
  EXPECT_THAT(files_.refusal(), AllOf(HasSubstr("segment-00000002 at offset 4096"),
                                      HasSubstr("the next segment begins with record 5")));
}

TEST_F(refusal, a_middle_segment_put_back_from_an_old_copy) {
  segment_writer old(test_header(2, 3));
  old.group({test_delivery("a")});
  files_.put(name(2), old);
  EXPECT_THAT(files_.refusal(), HasSubstr("segment-00000002 at offset 8192"));
}

TEST_F(refusal, a_segment_of_another_volume) {
  segment_header h = test_header(2, 3);
  h.whose.volume[0] ^= 1;
  put_header(2, h);
  EXPECT_THAT(files_.refusal(),
              AllOf(HasSubstr("different journals"), HasSubstr("segment-00000002 at offset 0")));
  h.generation = 0; // an old one, too
  put_header(2, h);
  EXPECT_THAT(files_.refusal(), HasSubstr("different journals"));
}

TEST_F(refusal, a_segment_of_another_farm_among_ours) {
  segment_header h = test_header(2, 3);
  h.whose.farm = "other";
  put_header(2, h);
  EXPECT_THAT(files_.refusal(), AllOf(HasSubstr("different journals"), HasSubstr("\"other\"")));
}

TEST_F(refusal, a_journal_of_another_farm) {
  EXPECT_THAT(files_.refusal("here"),
              AllOf(HasSubstr("segment-00000001 at offset 0"),
                    HasSubstr("the farm \"farm\", the settings say \"here\"")));
  EXPECT_EQ(files_.refusal(""), "it was read");
}

TEST_F(refusal, the_same_segment_twice) {
  files_.put(name(4), files_.get(name(3)));
  EXPECT_THAT(files_.refusal(), AllOf(HasSubstr("segment-00000004 at offset 0"),
                                      HasSubstr("the generation 3, as segment-00000003 has")));
}

TEST_F(refusal, numbers_that_go_backwards) {
  put_header(3, test_header(3, 2));
  EXPECT_THAT(files_.refusal(), HasSubstr("segment-00000003 at offset 0: it begins with record 2"));
}

TEST_F(refusal, a_checkpoint_above_all_records) {
  put_header(3, test_header(3, 5, 8));
  EXPECT_THAT(files_.refusal(),
              AllOf(HasSubstr("segment-00000003"),
                    HasSubstr("records up to 7 were settled, but 6 is the last")));
}

TEST_F(refusal, an_unreadable_header_in_the_middle) {
  files_.overwrite(name(2), 100, "x");
  EXPECT_THAT(
      files_.refusal(),
      AllOf(HasSubstr("records 3 to 4 are nowhere"),
            HasSubstr("segment-00000002 at offset 0: the checksum of its header is wrong")));
}

TEST_F(refusal, an_unreadable_header_of_the_newest) {
  files_.overwrite(name(3), 0, "x");
  EXPECT_THAT(files_.refusal(), AllOf(HasSubstr("segment-00000003 at offset 0"),
                                      HasSubstr("it does not begin as a segment of a journal does"),
                                      HasSubstr("generation 3, the newest of all")));
}

TEST_F(refusal, an_unreadable_header_of_the_only_one) {
  files_.remove(name(1));
  files_.remove(name(2));
  files_.overwrite(name(3), 16, "x"); // the secret itself
  EXPECT_THAT(files_.refusal(), HasSubstr("segment-00000003 at offset 0"));
}

TEST_F(refusal, a_header_made_of_zeros_of_the_newest) {
  files_.overwrite(name(3), 0, std::string(block_size, '\0'));
  EXPECT_THAT(files_.refusal(), HasSubstr("segment-00000003 at offset 0"));
}

TEST_F(refusal, a_last_segment_cut_short) {
  const std::string whole = files_.get(name(3));
  files_.put(name(3), whole.substr(0, 2 * block_size));
  const auto index = files_.index();
  ASSERT_TRUE(index);
  ASSERT_TRUE(index->torn);
  EXPECT_EQ(index->torn->why, "no valid group begins at offset 8192, where record 6 should be; the "
                              "file is 8192 octets long instead of 65536");
}

TEST_F(refusal, a_middle_segment_cut_short) {
  files_.put(name(2), files_.get(name(2)).substr(0, 2 * block_size));
  EXPECT_THAT(files_.refusal(), HasSubstr("segment-00000002 at offset 8192"));
}

TEST_F(refusal, a_disk_that_does_not_read) {
  fs::faulty_file_system faulty(files_.files());
  const auto directory = faulty.open_directory("/journal");
  ASSERT_TRUE(directory);
  ASSERT_TRUE(read_index(faulty, *directory, "farm"));
  const std::size_t calls = faulty.calls().size() - 1;
  ASSERT_GT(calls, 10U);
  for (unsigned nth = 1; nth <= calls; ++nth) {
    faulty.reset();
    faulty.plan({.nth = nth, .error = EIO, .for_ever = true});
    const auto index = read_index(faulty, *directory, "farm");
    ASSERT_FALSE(index) << nth;
    EXPECT_THAT(describe(index.error()), HasSubstr("Input/output error"));
  }
}

} // namespace
} // namespace homeward::journal
