#include <string>

#include <gtest/gtest.h>

#include "lmtp-bridge/lmtp/argument.hpp"
#include "lmtp-bridge/lmtp/command.hpp"

using namespace homeward::lmtp;

TEST(lmtp_argument, keyword_is_taken_in_any_case_with_the_spaces_behind) {
  std::string_view text = "fRoM:  <a@b>";
  EXPECT_TRUE(take_keyword(text, "FROM:"));
  EXPECT_EQ(text, "<a@b>");
  EXPECT_FALSE(take_keyword(text, "TO:"));
  EXPECT_EQ(text, "<a@b>");
  text = "FRO";
  EXPECT_FALSE(take_keyword(text, "FROM:"));
}

TEST(lmtp_argument, words_are_separated_by_spaces) {
  std::string_view text = "  a  bc ";
  EXPECT_EQ(take_word(text), "a");
  EXPECT_EQ(take_word(text), "bc");
  EXPECT_EQ(take_word(text), "");
  EXPECT_TRUE(text.empty());
}

TEST(lmtp_argument, parameter_may_have_a_value) {
  EXPECT_EQ(split_parameter("SIZE=1=2").name, "SIZE");
  EXPECT_EQ(split_parameter("SIZE=1=2").value, "1=2");
  EXPECT_EQ(split_parameter("SIZE=").value, "");
  EXPECT_FALSE(split_parameter("SMTPUTF8").value.has_value());
}

TEST(lmtp_argument, xtext_is_decoded_or_refused) {
  EXPECT_EQ(decode_xtext("a+2Bb+3D"), "a+b=");
  EXPECT_EQ(decode_xtext("+00"), std::string(1, '\0'));
  EXPECT_EQ(decode_xtext("+e4"), "\xe4");
  for (const char* const bad : {"+", "+2", "a+2", "+ZZ", "+-1", "++B", "+ 1"}) {
    EXPECT_FALSE(decode_xtext(bad)) << bad;
  }
}

TEST(lmtp_command, is_found_in_any_case_and_only_whole) {
  ASSERT_NE(find_command("mAiL"), nullptr);
  EXPECT_EQ(find_command("mAiL")->verb, "MAIL");
  EXPECT_EQ(find_command("MAI"), nullptr);
  EXPECT_EQ(find_command("MAILX"), nullptr);
  EXPECT_EQ(find_command(""), nullptr);
  EXPECT_EQ(find_command("STARTTLS"), nullptr);
  EXPECT_EQ(find_command("BDAT"), nullptr);
}
