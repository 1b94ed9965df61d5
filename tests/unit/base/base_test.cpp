#include <cerrno>

#include <gtest/gtest.h>

#include "lib/base/byte_count.hpp"
#include "lib/base/digest.hpp"
#include "lib/base/escape.hpp"
#include "lib/base/failure.hpp"
#include "lib/base/log.hpp"
#include "lib/base/random.hpp"

using namespace homeward;

TEST(escape, keeps_printable_text) {
  EXPECT_EQ(escape("Hello, world"), "Hello, world");
}

TEST(escape, shows_controls_as_text) {
  EXPECT_EQ(escape("a\r\nb\tc\\d\x01\x7f"), "a\\r\\nb\\tc\\\\d\\x01\\x7f");
}

TEST(escape, keeps_well_formed_utf8_and_escapes_the_rest) {
  EXPECT_EQ(escape("\xec\x95\x88"), "\xec\x95\x88");    // a Hangul syllable
  EXPECT_EQ(escape("\xc2\x85"), "\\xc2\\x85");          // a C1 control
  EXPECT_EQ(escape("\xc0\xaf"), "\\xc0\\xaf");          // overlong
  EXPECT_EQ(escape("\xed\xa0\x80"), "\\xed\\xa0\\x80"); // surrogate
  EXPECT_EQ(escape("\xe2\x80\xae"), "\\xe2\\x80\\xae"); // right-to-left override
  EXPECT_EQ(escape("\xff\xec\x95"), "\\xff\\xec\\x95"); // broken
}

TEST(escape, cuts_long_text) {
  EXPECT_EQ(escape(std::string(300, 'x'), 4), "xxxx...");
}

std::string text_of(const log::field& f) {
  std::string line;
  f.append_to(line);
  return line;
}

TEST(log_field, cannot_be_used_to_forge_a_line_or_a_field) {
  EXPECT_EQ(text_of({"from", "a\nerror forged"}), "from=\"a\\nerror forged\"");
  EXPECT_EQ(text_of({"from", "x to=y"}), "from=\"x to=y\"");
  EXPECT_EQ(text_of({"from", "say \"hi\""}), "from=\"say \\\"hi\\\"\"");
  EXPECT_EQ(text_of({"from", "\\"}), "from=\\\\");
  EXPECT_EQ(text_of({"from", ""}), "from=\"\"");
  EXPECT_EQ(text_of({"from", std::string(600, 'x')}), "from=" + std::string(512, 'x') + "...");
  EXPECT_EQ(text_of({"n", 7}), "n=7");
  EXPECT_EQ(text_of({"all", true}), "all=true");
}

TEST(digest, is_sha256) {
  sha256 d;
  d.update("a");
  d.update("bc");
  EXPECT_EQ(to_hex(d.finish()), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(random, hex_has_the_asked_length_and_differs) {
  EXPECT_EQ(random_hex(16).size(), 32U);
  EXPECT_NE(random_hex(16), random_hex(16));
}

TEST(byte_count, is_written_in_the_largest_whole_unit) {
  EXPECT_EQ(to_string(64_MiB), "64 MiB");
  EXPECT_EQ(to_string(byte_count{1500}), "1500 B");
  EXPECT_EQ(to_string(0_B), "0 B");
}

TEST(failure, errno_maps_to_reasons_and_is_never_permanent) {
  EXPECT_EQ(failure_from_errno(ENOSPC, "write").reason, failure_reason::full);
  EXPECT_EQ(failure_from_errno(EDQUOT, "write").reason, failure_reason::quota);
  EXPECT_EQ(failure_from_errno(EIO, "fsync").reason, failure_reason::temp);
  for (int e = 1; e < 134; ++e) {
    EXPECT_EQ(failure_from_errno(e, "x").kind, failure_kind::transient);
  }
}

TEST(failure, asking_a_failure_for_its_value_is_a_bug_that_throws) {
  const result<int> r = transient_failure("no");
  EXPECT_THROW((void)r.value(), std::logic_error);
}
