#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lib/store_protocol/line_reader.hpp"

namespace homeward::store_protocol {
namespace {

std::vector<std::string> read_all(std::string_view input, std::size_t piece) {
  line_reader reader(8, 20);
  std::vector<std::string> out;
  while (!input.empty()) {
    const std::string given(input.substr(0, piece));
    const line_found found = reader.next(given);
    EXPECT_LE(found.consumed, given.size());
    EXPECT_GT(found.consumed, 0U);
    input.remove_prefix(found.consumed);
    switch (found.what) {
    case line_found::kind::need_more: EXPECT_EQ(found.consumed, given.size()); break;
    case line_found::kind::line:
      out.push_back(std::string(found.text) + (found.with_cr ? "<crlf>" : "<lf>"));
      break;
    case line_found::kind::too_long: out.push_back("long:" + std::string(found.text)); break;
    case line_found::kind::endless: out.emplace_back("endless"); return out;
    }
  }
  return out;
}

TEST(line_reader, finds_the_same_lines_however_the_octets_come) {
  const std::string input = "SIZE 1\r\nNOOP\n\n\r\nab\rc\r\n123456\r\n1234567\r\n12345678\nx\r\n"
                            "1234567890123456789\nlast";
  const std::vector<std::string> expected{
      "SIZE 1<crlf>", "NOOP<lf>",       "<lf>",          "<crlf>",  "ab\rc<crlf>",
      "123456<crlf>", "long:1234567\r", "long:12345678", "x<crlf>", "long:12345678"};
  for (std::size_t piece = 1; piece <= input.size(); ++piece) {
    EXPECT_EQ(read_all(input, piece), expected) << "in pieces of " << piece;
  }
}

TEST(line_reader, gives_up_a_line_without_end) {
  for (std::size_t piece = 1; piece <= 30; ++piece) {
    EXPECT_EQ(read_all(std::string(30, 'x'), piece), std::vector<std::string>{"endless"}) << piece;
    EXPECT_EQ(read_all(std::string(20, 'x') + "\n", piece), std::vector<std::string>{"endless"})
        << piece;
    EXPECT_EQ(read_all(std::string(19, 'x') + "\n", piece).front().substr(0, 5), "long:") << piece;
  }
}

} // namespace
} // namespace homeward::store_protocol
