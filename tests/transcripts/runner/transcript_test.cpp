#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/transcripts/runner/transcript.hpp"
#include "tests/transcripts/runner/update.hpp"

using namespace homeward::transcripts;
using ::testing::HasSubstr;

namespace {

class transcript_file : public ::testing::Test {
 protected:
  transcript_file() {
    folder_ = std::filesystem::path(::testing::TempDir()) /
              ("transcript." + std::to_string(::getpid()) + "." +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  ~transcript_file() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }

  std::string fault_of(const std::string& text) const {
    try {
      (void)read_transcript(write("bad.t", text));
    } catch (const std::runtime_error& e) {
      return e.what();
    }
    return "no fault";
  }

  std::filesystem::path folder_;
};

} // namespace

TEST_F(transcript_file, is_read_into_headers_and_steps) {
  write("hello.eml", "Subject: x\n\nHello\n");
  const transcript t = read_transcript(write("a.t", "# a  why: RFC 2033 4.2\n"
                                                    "# a comment\n"
                                                    "rcpt <ann@y> accepted\n"
                                                    "store: partition p1\n"
                                                    "S: 220 ...\n"
                                                    "C: MAIL FROM:<a@x>   -> 250 2.1.0\n"
                                                    "C= \\x00\\r\\n\\{3}a\\\\ \n"
                                                    "C: <body hello.eml>\n"
                                                    "E: timed_out\n"
                                                    "M: size=3\n"
                                                    "M= a\\n\n"
                                                    "S: <closed>\n"
                                                    "C: <close>\n"));
  EXPECT_EQ(t.why, "RFC 2033 4.2");
  ASSERT_EQ(t.headers.size(), 2U);
  EXPECT_EQ(t.headers[0].keyword, "rcpt");
  EXPECT_EQ(t.headers[1].keyword, "store");
  EXPECT_EQ(t.headers[1].rest, "partition p1");
  ASSERT_EQ(t.steps.size(), 10U);
  EXPECT_EQ(t.steps[1].octets, "MAIL FROM:<a@x>\r\n");
  EXPECT_EQ(t.steps[2].pattern, "250 2.1.0 ...");
  EXPECT_EQ(t.steps[2].line, 6U);
  EXPECT_EQ(t.steps[3].octets, std::string("\0\r\naaa\\ ", 8));
  EXPECT_EQ(t.steps[4].octets, "Subject: x\r\n\r\nHello\r\n");
  EXPECT_EQ(t.steps[5].text, "timed_out");
  EXPECT_EQ(t.steps[7].text, "a\n");
  EXPECT_TRUE(t.steps[7].exact);
  EXPECT_EQ(t.steps[8].kind, step_kind::server_close);
  EXPECT_EQ(t.steps[9].kind, step_kind::client_close);
}

TEST_F(transcript_file, without_a_reason_is_refused) {
  EXPECT_THAT(fault_of("S: 220 ...\n"), HasSubstr("bad.t:1: the first line"));
  EXPECT_THAT(fault_of("# nothing\nS: 220 ...\n"), HasSubstr("'why:'"));
  EXPECT_THAT(fault_of(""), HasSubstr("empty"));
}

TEST_F(transcript_file, with_a_line_that_means_nothing_is_refused_with_its_place) {
  EXPECT_THAT(fault_of("# why: x\nC: NOOP\nnoise\n"), HasSubstr("bad.t:3: "));
  EXPECT_THAT(fault_of("# why: x\nC= \\q\n"), HasSubstr("bad.t:2: unknown escape"));
  EXPECT_THAT(fault_of("# why: x\nC= \\x0\n"), HasSubstr("hexadecimal"));
  EXPECT_THAT(fault_of("# why: x\nC= \\{z}a\n"), HasSubstr("repeat"));
  EXPECT_THAT(fault_of("# why: x\nC: <body none.eml>\n"), HasSubstr("cannot be read"));
}

TEST_F(transcript_file, is_rewritten_with_what_the_server_said) {
  const auto file = write("a.t", "# a  why: x\nS: 1\nC: NOOP   -> 999\nC: A\nS: 9\nS: <closed>\n");
  update_replies(read_transcript(file),
                 {{0, {"220 mx ready"}}, {3, {"250 2.0.0 OK"}}, {4, {"250-mx", "250 done now"}}});
  std::ifstream in(file);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  EXPECT_EQ(text, "# a  why: x\nS: 220 ...\nC: NOOP\nS: 250 2.0.0 ...\nC: A\nS: 250-mx\n"
                  "S: 250 ...\nS: <closed>\n");
}

TEST(transcript_pattern, matches_with_gaps) {
  EXPECT_TRUE(matches("250 2.0.0 ...", "250 2.0.0 <a@b> stored"));
  EXPECT_TRUE(matches("250 ...", "250"));
  EXPECT_TRUE(matches("250 ... on ...", "250 stored as N on store1/mail1"));
  EXPECT_TRUE(matches("...", ""));
  EXPECT_FALSE(matches("250 2.0.0 ...", "250 2.1.0 x"));
  EXPECT_FALSE(matches("250 ...x", "250 ab"));
  EXPECT_FALSE(matches("250", "250 x"));
}

TEST(transcript_compare, wants_every_line_and_no_other) {
  const std::vector<std::string> lines{"250-mx", "250-PIPELINING", "250-SIZE 5", "250 END",
                                       "354 x"};
  EXPECT_EQ(compare({"250 ...", "354 ..."}, lines), "");
  EXPECT_EQ(compare({"250-SIZE 5", "250 END", "354 ..."}, lines), "");
  EXPECT_NE(compare({"250-NONE", "250 END", "354 ..."}, lines), "");
  EXPECT_NE(compare({"250 ..."}, lines), "");
  EXPECT_NE(compare({"250 ...", "354 ...", "250 ..."}, lines), "");
  EXPECT_NE(compare({"354 ...", "250 ..."}, lines), "");
}

TEST(transcript_lines, are_cut_at_cr_lf_only) {
  EXPECT_EQ(split_lines("a\r\nb\nc\r\n"), (std::vector<std::string>{"a", "b\nc"}));
  EXPECT_EQ(split_lines("a\r\nb"), (std::vector<std::string>{"a", "b<no end>"}));
}
