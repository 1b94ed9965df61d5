#include <array>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "lib/fs/forgetting_file_system.hpp"
#include "lib/maildir/stored_form.hpp"

namespace homeward::maildir {
namespace {

struct converted {
  std::string text;
  std::uint64_t wire = 0;
};

// Every way to cut `input` in two must give the same; then one octet at a time.
converted convert(std::string_view input) {
  const auto run = [&](std::size_t cut, std::size_t step) {
    line_end_filter filter;
    converted out;
    filter.append_to(out.text, input.substr(0, cut));
    for (std::size_t i = cut; i < input.size(); i += step) {
      filter.append_to(out.text, input.substr(i, step));
    }
    filter.finish(out.text);
    out.wire = out.text.size() + filter.bare_line_feeds();
    return out;
  };
  const converted whole = run(input.size(), 1);
  for (std::size_t cut = 0; cut <= input.size(); ++cut) {
    const converted part = run(cut, input.size() + 1);
    EXPECT_EQ(part.text, whole.text) << cut;
    EXPECT_EQ(part.wire, whole.wire) << cut;
  }
  const converted single = run(0, 1);
  EXPECT_EQ(single.text, whole.text);
  EXPECT_EQ(single.wire, whole.wire);
  return whole;
}

// W as a reader computes it over the file.
std::uint64_t wire_size(std::string_view stored) {
  std::uint64_t size = stored.size();
  for (std::size_t i = 0; i < stored.size(); ++i) {
    size += stored[i] == '\n' && (i == 0 || stored[i - 1] != '\r') ? 1U : 0U;
  }
  return size;
}

TEST(line_end_filter, turns_crlf_into_lf_and_keeps_the_rest) {
  EXPECT_EQ(convert("").text, "");
  EXPECT_EQ(convert("a\r\nb\r\n").text, "a\nb\n");
  EXPECT_EQ(convert("\r\n").text, "\n");
  EXPECT_EQ(convert("a\rb\n").text, "a\rb\n") << "lone CR, lone LF";
  EXPECT_EQ(convert("a\r\r\nb").text, "a\r\nb");
  EXPECT_EQ(convert("a\r").text, "a\r");
  EXPECT_EQ(convert("\r\r\r").text, "\r\r\r");
  EXPECT_EQ(convert(std::string_view("\0\r\n\0", 4)).text, std::string("\0\n\0", 3));
}

TEST(line_end_filter, counts_what_the_reader_counts) {
  EXPECT_EQ(convert("a\r\nb\r\n").wire, 6U);
  EXPECT_EQ(convert("a\r\r\nb").wire, 4U) << "the CR that stays makes it a CRLF already";
  EXPECT_EQ(convert("\n\n").wire, 4U);
  std::mt19937 chance(3);
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (std::size_t n = chance() % 12; n > 0; --n) {
      text += "\r\nx"[chance() % 3];
    }
    const converted c = convert(text);
    EXPECT_EQ(c.wire, wire_size(c.text));
  }
}

TEST(stored_form, writes_trace_and_message_and_knows_both_sizes) {
  fs::forgetting_file_system files;
  const fs::handle root = files.open_directory("/").value();
  const fs::handle file = files.create_unnamed_at(root).value();
  const fs::message_spool message("Subject: x\r\n\r\nbody\r\n");
  const auto size = write_stored_form(files, file, "Return-Path: <>\n", message);
  ASSERT_TRUE(size);
  std::array<char, 100> buffer{};
  const std::string stored(buffer.data(), files.read(file, 0, buffer).value());
  EXPECT_EQ(stored, "Return-Path: <>\nSubject: x\n\nbody\n");
  EXPECT_EQ(size->octets, stored.size());
  EXPECT_EQ(size->wire, wire_size(stored));
  EXPECT_EQ(file_name_for("1.k.o", *size), "1.k.o,S=33,W=37");
}

// Long messages pass through in pieces, from memory as from a spool file: same octets, same sizes.
TEST(stored_form, is_the_same_from_memory_and_from_a_file) {
  fs::forgetting_file_system files;
  const auto place = fs::open_spool_place(files, "/", 1_KiB);
  ASSERT_TRUE(place);
  std::mt19937 chance(5);
  std::string text;
  while (text.size() < 900'000) {
    text += std::string(chance() % 100, 'x') + (chance() % 9 == 0 ? "\r" : "") + "\r\n";
  }
  fs::message_spool spooled(*place);
  ASSERT_TRUE(spooled.append(text));
  const fs::message_spool plain(text);
  std::string first;
  for (const fs::message_spool* message : {&plain, &std::as_const(spooled)}) {
    const fs::handle file = files.create_unnamed_at(place->directory).value();
    const auto size = write_stored_form(files, file, "T: t\n", *message);
    ASSERT_TRUE(size);
    std::string stored(1'000'000, '\0');
    stored.resize(files.read(file, 0, stored).value());
    EXPECT_EQ(size->octets, stored.size());
    EXPECT_EQ(size->wire, wire_size(stored));
    EXPECT_TRUE(first.empty() || first == stored);
    first = stored;
  }
}

} // namespace
} // namespace homeward::maildir
