#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "milter/lookup/answer.hpp"
#include "milter/lookup/netstring.hpp"

namespace homeward::milter::lookup {
namespace {

using ::testing::ElementsAre;

// All netstrings of a stream that comes in pieces of `step` octets; the fault comes last.
std::vector<std::string> read_all(std::string_view octets, std::size_t step,
                                  std::size_t longest = 100) {
  netstring_reader reader(longest);
  std::vector<std::string> read;
  while (!octets.empty() && !reader.bad()) {
    std::string_view piece = octets.substr(0, step);
    octets.remove_prefix(piece.size());
    while (!piece.empty() && !reader.bad()) {
      piece.remove_prefix(reader.take(piece));
      if (reader.bad()) {
        read.emplace_back("bad: " + std::string(reader.fault()));
      } else if (reader.whole()) {
        read.emplace_back(reader.content());
      }
    }
  }
  if (!reader.bad() && !reader.between()) {
    read.emplace_back("more");
  }
  return read;
}

TEST(netstring, is_read_in_pieces_of_any_size) {
  const std::string stream = "0:,1:a,12:mailbox u1@x,3:,:,,2:\n\x01,";
  for (std::size_t step = 1; step <= stream.size(); ++step) {
    EXPECT_THAT(read_all(stream, step), ElementsAre("", "a", "mailbox u1@x", ",:,", "\n\x01"))
        << "in pieces of " << step;
  }
}

TEST(netstring, content_may_be_as_long_as_the_limit_and_no_longer) {
  const std::string text(100, 'x');
  EXPECT_THAT(read_all("100:" + text + ",", 7), ElementsAre(text));
  EXPECT_THAT(read_all("101:", 1), ElementsAre("bad: the request is too long"));
  EXPECT_THAT(read_all("99999999999999999999999999999999:", 1),
              ElementsAre("bad: the request is too long"));
}

TEST(netstring, says_what_is_wrong_and_takes_no_more) {
  for (std::size_t step = 1; step <= 3; ++step) {
    EXPECT_THAT(read_all("1:a,GET / HTTP/1.1\r\n", step),
                ElementsAre("a", "bad: a length was expected"));
    EXPECT_THAT(read_all("01:a,", step), ElementsAre("bad: the length begins with a zero"));
    EXPECT_THAT(read_all("-1:a,", step), ElementsAre("bad: a length was expected"));
    EXPECT_THAT(read_all(" 1:a,", step), ElementsAre("bad: a length was expected"));
    EXPECT_THAT(read_all(":a,", step), ElementsAre("bad: a length was expected"));
    EXPECT_THAT(read_all("1a:a,", step), ElementsAre("bad: a length was expected"));
    EXPECT_THAT(read_all("2:abc,", step), ElementsAre("bad: no comma after the request"));
    EXPECT_THAT(read_all("0:a", step), ElementsAre("bad: no comma after the request"));
  }
  netstring_reader reader(3);
  EXPECT_EQ(reader.take("x1:a,"), 1U);
  EXPECT_EQ(reader.take("1:a,"), 0U);
}

TEST(netstring, knows_whether_something_has_begun) {
  netstring_reader reader(100);
  EXPECT_TRUE(reader.between());
  const std::string one = "3:abc,";
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(reader.take(one.substr(i, 1)), 1U);
    EXPECT_EQ(reader.between(), i + 1 == one.size()) << i;
  }
}

TEST(netstring, is_written_as_it_is_read) {
  std::string out;
  for (const std::string text : {"", "NOTFOUND ", "OK a,b:c", "\xc3\xa4"}) {
    append_netstring(out, text);
  }
  EXPECT_EQ(out, "0:,9:NOTFOUND ,8:OK a,b:c,2:\xc3\xa4,");
  EXPECT_THAT(read_all(out, 1), ElementsAre("", "NOTFOUND ", "OK a,b:c", "\xc3\xa4"));
}

TEST(answer, has_a_space_after_the_word_and_one_line) {
  EXPECT_EQ(to_text(found{"ann@example.org"}), "OK ann@example.org");
  EXPECT_EQ(to_text(found{""}), "OK ");
  EXPECT_EQ(to_text(not_found{}), "NOTFOUND ");
  EXPECT_EQ(to_text(later{"come again"}), "TEMP come again");
  EXPECT_EQ(to_text(found{"\"a\\\\b\"@example.org"}), "OK \"a\\\\b\"@example.org");
  EXPECT_EQ(to_text(found{"jos\xc3\xa9@x"}), "OK jos\xc3\xa9@x");
  EXPECT_EQ(to_text(later{"a\r\nOK b"}), "TEMP a\\r\\nOK b");
  EXPECT_LT(to_text(later{std::string(5000, 'x')}).size(), 1100U);
}

} // namespace
} // namespace homeward::milter::lookup
