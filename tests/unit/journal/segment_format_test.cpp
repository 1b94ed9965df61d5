#include <fstream>
#include <iterator>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "stored/journal/little_endian.hpp"
#include "tests/unit/journal/journal_files.hpp"

namespace homeward::journal {
namespace {

TEST(crc32c, has_the_values_of_rfc_3720_b_4) {
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  std::string up;
  std::string down;
  for (int i = 0; i < 32; ++i) {
    up.push_back(static_cast<char>(i));
    down.push_back(static_cast<char>(31 - i));
  }
  EXPECT_EQ(crc32c(up), 0x46dd794eU);
  EXPECT_EQ(crc32c(down), 0x113fdb5cU);
  EXPECT_EQ(crc32c(""), 0U);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
}

TEST(segment_header, is_read_as_it_was_written) {
  segment_header h = test_header(0x0102030405060708, 77, 66);
  for (const std::string& farm : {std::string(), std::string("farm"), std::string(64, 'f')}) {
    h.whose.farm = farm;
    const std::string block = encode(h);
    ASSERT_EQ(block.size(), block_size);
    const auto decoded = decode_segment_header(block);
    ASSERT_TRUE(decoded && *decoded);
    EXPECT_EQ(**decoded, h);
  }
  h.whose.farm.push_back('f');
  EXPECT_THROW((void)encode(h), std::length_error);
}

TEST(segment_header, of_a_file_never_used_is_nothing) {
  const auto decoded = decode_segment_header(std::string(block_size, '\0'));
  ASSERT_TRUE(decoded);
  EXPECT_FALSE(*decoded);
}

TEST(segment_header, every_flipped_bit_and_every_cut_is_seen) {
  const std::string good = encode(test_header(5, 7));
  for (std::size_t at = 0; at < block_size; ++at) {
    for (std::size_t bit = 0; bit < 8; ++bit) {
      std::string block = good;
      block[at] = flipped(block[at], bit);
      ASSERT_FALSE(decode_segment_header(block)) << at << ' ' << bit;
    }
    ASSERT_FALSE(decode_segment_header(good.substr(0, at)));
  }
  EXPECT_FALSE(decode_segment_header(good + '\0'));
}

TEST(segment_header, says_why_not) {
  std::string block = encode(test_header(5, 7));
  const auto why = [&] { return decode_segment_header(block).error().cause; };
  block[4095] ^= 1;
  EXPECT_EQ(why(), "the checksum of its header is wrong");
  EXPECT_FALSE(is_newer_format(block));
  block[8] = 3;
  EXPECT_EQ(why(), "its format version is 3, this program knows 1");
  EXPECT_TRUE(is_newer_format(block));
  block[0] = 'x';
  EXPECT_EQ(why(), "it does not begin as a segment of a journal does");
  EXPECT_FALSE(is_newer_format(block));
  block.pop_back();
  EXPECT_EQ(why(), "its header is cut short");
}

TEST(segment_header, a_farm_longer_than_its_field_is_refused) {
  std::string block = encode(test_header(5, 7));
  store(&block[72], std::uint16_t{65});
  store(&block[4092], crc32c(block.substr(0, 4092)));
  EXPECT_FALSE(decode_segment_header(block));
}

TEST(group_header, is_read_as_it_was_written_by_whom_it_was_written) {
  const group_header h{.generation = 5,
                       .first_record = 17,
                       .durable_below = 16,
                       .records = 3,
                       .octets = 4711,
                       .written = 1795170000456,
                       .previous_sync = 3275};
  std::string octets(group_header_size + 8, 'x');
  encode(h, test_volume, octets.data());
  EXPECT_EQ(octets.substr(group_header_size), "xxxxxxxx");
  EXPECT_EQ(decode_group_header(octets, test_volume), h);
  EXPECT_TRUE(begins_like_group(octets));
  EXPECT_TRUE(begins_like_group(octets, 5));
  EXPECT_FALSE(begins_like_group(octets, 6));
  volume_id other = test_volume;
  other[0] ^= 1;
  EXPECT_FALSE(decode_group_header(octets, other));
  EXPECT_FALSE(decode_group_header(octets.substr(0, 63), test_volume));
  for (std::size_t bit = 0; bit < 8 * group_header_size; ++bit) {
    std::string bad = octets;
    bad[bit / 8] = flipped(bad[bit / 8], bit % 8);
    ASSERT_FALSE(decode_group_header(bad, test_volume)) << bit;
  }
}

TEST(record_header, is_read_as_it_was_written_by_whom_it_was_written) {
  const record_header h{.generation = 5,
                        .number = 17,
                        .payload_octets = 99,
                        .type = record_type::abort,
                        .payload_crc = 0x12345678};
  std::string octets(record_header_size, 'x');
  encode(h, test_volume, octets.data());
  EXPECT_EQ(decode_record_header(octets, test_volume), h);
  volume_id other = test_volume;
  other[15] ^= 0x80;
  EXPECT_FALSE(decode_record_header(octets, other));
  EXPECT_FALSE(decode_record_header(octets.substr(1), test_volume));
  for (std::size_t bit = 0; bit < 8 * record_header_size; ++bit) {
    std::string bad = octets;
    bad[bit / 8] = flipped(bad[bit / 8], bit % 8);
    ASSERT_FALSE(decode_record_header(bad, test_volume)) << bit;
  }
}

TEST(group_builder, lays_records_out_and_starts_anew) {
  const std::string message(5000, 'm');
  const std::vector<record> records = {test_delivery(message), checkpoint_record{.below = 3},
                                       abort_record{.delivery = 8, .recipients = {1, 2, 3}}};
  group_builder builder(test_volume);
  std::string first;
  for (int round = 0; round < 3; ++round) {
    builder.begin(5, 8);
    std::size_t room = group_header_size;
    record_number number = 8;
    for (const record& r : records) {
      room += group_builder::room_for(r);
      EXPECT_EQ(builder.add(r), number++);
      EXPECT_EQ(builder.octets(), room);
    }
    const std::string group(builder.finish(8, 1795170000456, 3275));
    EXPECT_EQ(group.size(), block_padded(room));
    const auto h = decode_group_header(group, test_volume);
    ASSERT_TRUE(h);
    EXPECT_EQ(h->records, 3U);
    EXPECT_EQ(h->octets, room - group_header_size);
    EXPECT_EQ(h->first_record, 8U);
    EXPECT_EQ(h->durable_below, 8U);
    EXPECT_EQ(h->previous_sync, 3275U);
    EXPECT_EQ(round == 0 ? group : first, group);
    first = group;
  }
}

TEST(group_builder, a_record_that_cannot_be_written_leaves_the_group_as_it_was) {
  group_builder builder(test_volume);
  builder.begin(1, 1);
  builder.add(test_delivery("a"));
  const std::size_t octets = builder.octets();
  delivery_record bad = test_delivery("b");
  bad.name.assign(65536, 'n');
  EXPECT_THROW(builder.add(bad), std::length_error);
  EXPECT_EQ(builder.octets(), octets);
  EXPECT_EQ(builder.add(test_delivery("c")), 2U);
}

// --- The page of the specification -------------------------------------------------------

constexpr std::string_view golden_message = "Subject: hello\r\n\r\nHello Ann,\r\nhello Bob.\r\n";

segment_writer golden_segment() {
  volume_id volume{};
  for (std::size_t i = 0; i < volume.size(); ++i) {
    volume[i] = static_cast<std::uint8_t>(0xa0 + i);
  }
  segment_writer w({.whose = {.volume = volume, .farm = "example"},
                    .generation = 3,
                    .first_record = 17,
                    .checkpoint = 15,
                    .size = 3 * block_size,
                    .begun = 1795170000});
  const delivery_record whole{.received = 1795170000123,
                              .header = header_rule::single,
                              .partition = "0123456789abcdef0123456789abcdef",
                              .name = "1795170000.6f1c.mx1",
                              .sender = "eve@example.net",
                              .mailboxes = {"ann@example.org", "bob@example.org"},
                              .apart = false,
                              .size = golden_message.size(),
                              .message = golden_message};
  delivery_record apart = whole;
  apart.name = "1795170000.77aa.mx1";
  apart.sender = "";
  apart.mailboxes.pop_back();
  apart.apart = true;
  apart.size = 20000000;
  apart.message = {};
  w.group({whole, apart});
  return w.synced_in(3275).group(
      {abort_record{.delivery = 17, .recipients = {1}}, checkpoint_record{.below = 18}});
}

// "00001000  48 57 ...  |HW...|": lines of zeros are left out.
std::string hex_dump(std::string_view octets) {
  std::string out;
  for (std::size_t at = 0; at < octets.size(); at += 16) {
    const std::string_view line = octets.substr(at, 16);
    if (line.find_first_not_of('\0') == std::string_view::npos) {
      continue;
    }
    out += fmt::format("{:08x} ", at);
    std::string text;
    for (const char c : line) {
      out += fmt::format(" {:02x}", static_cast<unsigned char>(c));
      text += c >= ' ' && c <= '~' ? c : '.';
    }
    out += "  |" + text + "|\n";
  }
  return out;
}

std::string read_hex_dump(const std::string& text, std::size_t octets) {
  std::string out(octets, '\0');
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line.substr(0, line.find('|')));
    std::size_t at = 0;
    fields >> std::hex >> at;
    for (unsigned value = 0; fields >> value;) {
      out.at(at++) = static_cast<char>(value);
    }
  }
  return out;
}

TEST(journal_page, its_octets_are_read_and_written) {
  std::ifstream document(HOMEWARD_SOURCE_DIR "/docs/format/journal.md");
  const std::string page((std::istreambuf_iterator<char>(document)), {});
  const std::size_t begin = page.find("```hex\n") + 7;
  ASSERT_NE(begin, std::string::npos + 7);
  const segment_writer expected = golden_segment();
  const std::string dump = page.substr(begin, page.find("```", begin) - begin);
  EXPECT_EQ(dump, hex_dump(expected.file()));
  const std::string golden = read_hex_dump(dump, 3 * block_size);
  ASSERT_EQ(golden, expected.file());

  const auto header = decode_segment_header(golden.substr(0, block_size));
  ASSERT_TRUE(header && *header);
  EXPECT_EQ(**header, expected.header());
  journal_files files;
  const scan_outcome o = files.scan(golden, **header);
  ASSERT_EQ(o.records.size(), 4U);
  EXPECT_EQ(o.end.how, segment_end::clean);
  const auto first = decode_payload(record_type::delivery, o.records[0].payload);
  ASSERT_TRUE(first);
  EXPECT_EQ(std::get<delivery_record>(*first).message, golden_message);
  EXPECT_EQ(decode_payload(record_type::abort, o.records[2].payload).value(),
            (record{abort_record{.delivery = 17, .recipients = {1}}}));
}

} // namespace
} // namespace homeward::journal
