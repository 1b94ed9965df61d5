#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "stored/journal/little_endian.hpp"
#include "tests/unit/journal/journal_files.hpp"

namespace homeward::journal {
namespace {

const std::string message_a(3000, 'a');
const std::string message_b(5000, 'b');

// Three groups of two records; the second and third prove that the one before was synced.
segment_writer three_groups(std::uint64_t generation = 3, record_number first = 11) {
  segment_writer w(test_header(generation, first));
  w.group({test_delivery(message_a), checkpoint_record{.below = 5}});
  w.group({test_delivery(message_b), abort_record{.delivery = 13, .recipients = {1}}});
  w.group({test_delivery("last"), test_delivery(message_a)});
  return w;
}

std::vector<record_number> numbers(const scan_outcome& o) {
  std::vector<record_number> all;
  for (const seen_record& r : o.records) {
    all.push_back(r.where.number);
  }
  return all;
}

TEST(segment_scan, gives_all_records_in_order) {
  journal_files j;
  const segment_writer w = three_groups();
  const scan_outcome o = j.scan(w.file(), w.header());
  EXPECT_EQ(numbers(o), (std::vector<record_number>{11, 12, 13, 14, 15, 16}));
  EXPECT_EQ(o.end.how, segment_end::clean) << o.end.why;
  EXPECT_EQ(o.end.next_record, 17U);
  EXPECT_EQ(o.end.end, w.octets().size());
  EXPECT_EQ(o.end.bad_octets, 0U);
  EXPECT_EQ(o.records[3].where.type, record_type::abort);
  const auto first = decode_payload(record_type::delivery, o.records[0].payload);
  ASSERT_TRUE(first);
  EXPECT_EQ(std::get<delivery_record>(*first), test_delivery(message_a));
}

TEST(segment_scan, what_an_earlier_use_left_is_nothing) {
  journal_files j;
  const segment_writer old = three_groups(2, 5);
  segment_writer w(test_header(3, 11));
  EXPECT_EQ(j.scan(w.over(old.octets()).file(), w.header()).end.how, segment_end::clean);
  w = segment_writer(test_header(3, 11));
  w.group({test_delivery("new")}).over(old.octets());
  const scan_outcome o = j.scan(w.file(), w.header());
  EXPECT_EQ(numbers(o), (std::vector<record_number>{11}));
  EXPECT_EQ(o.end.how, segment_end::clean) << o.end.why;
}

TEST(segment_scan, a_full_file_ends_clean) {
  journal_files j;
  segment_header h = test_header(1, 1);
  h.size = 2 * block_size;
  segment_writer w(h);
  w.group({checkpoint_record{.below = 1}});
  const scan_outcome o = j.scan(w.file(), h);
  EXPECT_EQ(o.records.size(), 1U);
  EXPECT_EQ(o.end.how, segment_end::clean) << o.end.why;
  EXPECT_EQ(o.end.end, 2 * block_size);
}

TEST(segment_scan, stops_when_the_visitor_has_enough) {
  journal_files j;
  const segment_writer w = three_groups();
  j.put("segment", w);
  const auto file = j.files().open_at(j.directory(), "segment", fs::open_mode::read);
  int calls = 0;
  const auto o = scan_segment(j.files(), *file, w.header(), 0,
                              [&](const record_place&, std::string_view) { return ++calls < 3; });
  ASSERT_TRUE(o);
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(o->how, segment_end::clean);
  EXPECT_EQ(o->next_record, 14U);
}

TEST(segment_scan, a_hole_before_a_later_group_is_damage) {
  journal_files j;
  const segment_writer w = three_groups();
  for (const std::size_t hole : {w.starts()[1], w.starts()[1] + 4096}) {
    std::string content = w.file();
    content.replace(hole, 512, 512, '\0');
    const scan_outcome o = j.scan(content, w.header());
    EXPECT_EQ(numbers(o), (std::vector<record_number>{11, 12}));
    EXPECT_EQ(o.end.how, segment_end::damaged);
    EXPECT_EQ(o.end.next_record, 13U);
    EXPECT_NE(o.end.why.find(fmt::format("{}", w.starts()[2])), std::string::npos) << o.end.why;
  }
}

TEST(segment_scan, a_later_group_that_does_not_speak_of_a_sync_proves_nothing) {
  journal_files j;
  segment_writer w(test_header(3, 11));
  w.group({test_delivery(message_a)}).group({test_delivery(message_b)}, 12);
  w.group({test_delivery("x")}, 12);
  std::string content = w.file();
  content.replace(w.starts()[1], 512, 512, '\0');
  const scan_outcome o = j.scan(content, w.header());
  EXPECT_EQ(numbers(o), (std::vector<record_number>{11}));
  EXPECT_EQ(o.end.how, segment_end::torn) << o.end.why;
}

TEST(segment_scan, a_caller_who_expects_more_sees_damage) {
  journal_files j;
  const segment_writer w = three_groups();
  EXPECT_EQ(j.scan(w.file(), w.header(), 17).end.how, segment_end::clean);
  const scan_outcome o = j.scan(w.file(), w.header(), 18);
  EXPECT_EQ(o.end.how, segment_end::damaged);
  EXPECT_EQ(o.end.next_record, 17U);
  EXPECT_EQ(o.end.bad_offset, w.octets().size());
}

TEST(segment_scan, numbers_of_the_next_segment_are_not_given) {
  journal_files j;
  const segment_writer w = three_groups();
  for (record_number next = 11; next < 17; ++next) {
    const scan_outcome o = j.scan(w.file(), w.header(), next);
    EXPECT_EQ(o.records.size(), next - 11);
    EXPECT_EQ(o.end.how, segment_end::clean);
  }
}

TEST(segment_scan, a_torn_end_is_no_damage_when_the_next_segment_goes_on_there) {
  journal_files j;
  const segment_writer w = three_groups();
  std::string content = w.file();
  content.replace(w.starts()[2] + 512, 512, 512, '\0');
  const scan_outcome o = j.scan(content, w.header(), 16);
  EXPECT_EQ(o.records.size(), 5U);
  EXPECT_NE(o.end.how, segment_end::damaged) << o.end.why;
}

TEST(segment_scan, a_torn_group_header_is_seen) {
  journal_files j;
  const segment_writer w = three_groups();
  std::string content = w.file();
  content[w.starts()[2] + 20] ^= 1;
  const scan_outcome o = j.scan(content, w.header());
  EXPECT_EQ(o.records.size(), 4U);
  EXPECT_EQ(o.end.how, segment_end::torn);
  EXPECT_EQ(o.end.bad_offset, w.starts()[2]);
  EXPECT_EQ(o.end.end, w.starts()[2]);
  EXPECT_EQ(o.end.bad_octets, block_size);
}

TEST(segment_scan, a_group_out_of_its_place_is_not_read) {
  journal_files j;
  const segment_writer w = three_groups();
  // The third group where the second was: all of it valid, and yet records are missing.
  std::string content = w.file();
  const std::size_t third = w.starts()[2];
  content = content.substr(0, w.starts()[1]) + content.substr(third);
  content.resize(w.header().size, '\0');
  const scan_outcome o = j.scan(content, w.header());
  EXPECT_EQ(o.records.size(), 2U);
  EXPECT_EQ(o.end.how, segment_end::damaged) << o.end.why;
}

TEST(segment_scan, records_of_an_earlier_use_are_not_read_though_their_numbers_fit) {
  journal_files j;
  const segment_writer old = three_groups(2, 11);
  segment_writer w(test_header(3, 11));
  w.group({test_delivery(message_a), checkpoint_record{.below = 5}}).over(old.octets());
  std::string content = w.file();
  const std::size_t records = w.starts()[0] + group_header_size;
  content.replace(records, 3000, old.octets(), records, 3000);
  const scan_outcome o = j.scan(content, w.header());
  EXPECT_EQ(o.records.size(), 0U);
  EXPECT_EQ(o.end.how, segment_end::torn) << o.end.why;
  EXPECT_NE(o.end.why.find("has the header of record 11 of generation 2"), std::string::npos);
}

TEST(segment_scan, another_journals_octets_are_nothing) {
  journal_files j;
  const segment_writer w = three_groups();
  segment_header other = w.header();
  other.whose.volume[3] ^= 1;
  const scan_outcome o = j.scan(w.file(), other);
  EXPECT_EQ(o.records.size(), 0U);
  EXPECT_NE(o.end.how, segment_end::damaged);
}

TEST(segment_scan, records_that_do_not_fill_their_group_are_not_whole) {
  journal_files j;
  segment_writer w(test_header(3, 11));
  w.group({test_delivery("a"), test_delivery("b")});
  for (const std::uint32_t records : {1U, 3U, 0U, 0xffffffffU}) {
    std::string content = w.file();
    group_header h = *decode_group_header(content.substr(block_size), test_volume);
    h.records = records;
    encode(h, test_volume, &content[block_size]);
    const scan_outcome o = j.scan(content, w.header());
    EXPECT_LE(o.records.size(), 2U);
    EXPECT_EQ(o.end.how, segment_end::torn) << records;
  }
}

TEST(segment_scan, octets_beyond_the_file_are_cut_short) {
  journal_files j;
  segment_writer w(test_header(3, 11));
  w.group({test_delivery("a")});
  std::string content = w.file();
  group_header h = *decode_group_header(content.substr(block_size), test_volume);
  h.octets = 0xffffffff;
  encode(h, test_volume, &content[block_size]);
  const scan_outcome o = j.scan(content, w.header());
  EXPECT_EQ(o.records.size(), 1U);
  EXPECT_EQ(o.end.how, segment_end::torn);
  EXPECT_LE(o.end.bad_offset + o.end.bad_octets, content.size());
}

// A message with something that looks like a group at every block boundary it covers.
std::string forged_message(std::size_t message_offset, const volume_id& volume) {
  segment_writer forger([&] {
    segment_header h = test_header(3, 14);
    h.whose.volume = volume;
    return h;
  }());
  forger.group({test_delivery("forged")}, 1000);
  const std::string group = forger.octets().substr(block_size);
  std::string message(6 * block_size, 'x');
  for (std::size_t at = block_padded(message_offset) - message_offset;
       at + group.size() <= message.size(); at += block_size) {
    message.replace(at, group.size(), group);
  }
  return message;
}

scan_outcome scan_torn_forgery(const volume_id& forged_with) {
  journal_files j;
  const record envelope = test_delivery("");
  const std::size_t offset = 2 * block_size + group_header_size + record_header_size;
  const std::string message = forged_message(offset + payload_size(envelope), forged_with);
  segment_writer w(test_header(3, 11));
  w.group({test_delivery("one")}).group({test_delivery(message), test_delivery("two")}, 12);
  std::string content = w.file();
  content.replace(w.starts()[1], 512, 512, '\0'); // the group header did not reach the disk
  return j.scan(content, w.header());
}

TEST(segment_scan, a_message_cannot_pass_for_a_group) {
  volume_id guessed = test_volume;
  guessed[15] ^= 1;
  const scan_outcome o = scan_torn_forgery(guessed);
  EXPECT_EQ(numbers(o), (std::vector<record_number>{11}));
  EXPECT_NE(o.end.how, segment_end::damaged) << o.end.why;
  // Who knows the secret can do harm: it is what protects us.
  EXPECT_EQ(scan_torn_forgery(test_volume).end.how, segment_end::damaged);
}

TEST(segment_scan, a_store_at_work_looks_never_damaged) {
  journal_files j;
  const segment_writer w = three_groups();
  // All of the file is in our buffer when the second group reaches the file.
  std::string content = w.file();
  const std::size_t second = w.starts()[1];
  content.replace(second + 4096, 512, 512, '\0');
  j.put("segment", content);
  const auto file = j.files().open_at(j.directory(), "segment", fs::open_mode::read);
  std::vector<record_number> given;
  const auto o = scan_segment(j.files(), *file, w.header(), 0,
                              [&](const record_place& where, std::string_view) {
                                j.overwrite("segment", second, w.octets().substr(second));
                                given.push_back(where.number);
                                return true;
                              });
  ASSERT_TRUE(o);
  EXPECT_EQ(o->how, segment_end::clean) << o->why;
  EXPECT_EQ(given, (std::vector<record_number>{11, 12, 13, 14, 15, 16}));
}

TEST(segment_scan, groups_larger_than_the_read_ahead) {
  journal_files j;
  const std::string large(3U << 20U, 'L');
  segment_header h = test_header(1, 1);
  h.size = 16U << 20U;
  segment_writer w(h);
  w.group({test_delivery("x"), test_delivery(large)}).group({test_delivery(large)});
  w.group({test_delivery("y")});
  const scan_outcome o = j.scan(w.file(), h);
  EXPECT_EQ(o.records.size(), 4U);
  EXPECT_EQ(o.end.how, segment_end::clean) << o.end.why;
}

TEST(segment_scan, a_record_is_read_again_and_checked_again) {
  journal_files j;
  const segment_writer w = three_groups();
  const scan_outcome o = j.scan(w.file(), w.header());
  const auto file = j.files().open_at(j.directory(), "scanned", fs::open_mode::read);
  for (const seen_record& r : o.records) {
    const auto payload = read_payload(j.files(), *file, w.header(), r.where);
    ASSERT_TRUE(payload) << describe(payload.error());
    EXPECT_EQ(*payload, r.payload);
  }
  const record_place& where = o.records[2].where;
  j.overwrite("scanned", where.offset + record_header_size + 100, "?");
  EXPECT_FALSE(read_payload(j.files(), *file, w.header(), where));
  for (const record_place& wrong :
       {record_place{11, where.type, where.offset, where.octets},
        record_place{13, record_type::abort, where.offset, where.octets},
        record_place{13, where.type, where.offset + 8, where.octets},
        record_place{13, where.type, where.offset, where.octets - 1},
        record_place{13, where.type, 1U << 30U, where.octets}}) {
    EXPECT_FALSE(read_payload(j.files(), *file, w.header(), wrong));
  }
}

} // namespace
} // namespace homeward::journal
