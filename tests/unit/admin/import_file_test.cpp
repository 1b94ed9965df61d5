#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admin/import_file.hpp"

namespace homeward::admin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> entries(const import_list& list) {
  std::vector<std::string> all;
  for (const auto& e : list.entries) {
    all.push_back(fmt::format("{} {}", e.line, e.mailbox));
  }
  return all;
}

std::vector<std::string> problems(const import_list& list) {
  std::vector<std::string> all;
  for (const auto& p : list.problems) {
    all.push_back(fmt::format("{} {}", p.line, p.what));
  }
  return all;
}

const import_rules rules{.addresses = {}, .domain = "example.org"};

TEST(read_passwd, takes_people_and_passes_over_the_rest) {
  const auto list = read_passwd("root:x:0:0:root:/root:/bin/bash\n"
                                "# a comment\n"
                                "\n"
                                "ann:x:1000:1000:Ann,,,:/home/ann:/bin/bash\n"
                                "nobody:x:65534:65534::/:/bin/false\n"
                                "+@netgroup::::::\n"
                                "Bob:x:1001:1001::/home/bob:/usr/sbin/nologin\n",
                                rules);
  EXPECT_THAT(entries(list), ElementsAre("4 ann@example.org", "7 bob@example.org"));
  EXPECT_THAT(problems(list), IsEmpty());
  EXPECT_EQ(list.passed_over, 2U);
}

TEST(read_passwd, says_what_is_wrong_with_a_line) {
  const auto list = read_passwd("ann:x:1000:1000:/home/ann\n"
                                "bob:x:uid:1000:::\n"
                                "bob:x:1002:1000:::\n"
                                "a b:x:1003:1000:::\r\n"
                                ":x:1004:1000:::\n"
                                "BOB:x:1005:1000:::",
                                rules);
  EXPECT_THAT(entries(list), ElementsAre("3 bob@example.org"));
  EXPECT_THAT(problems(list),
              ElementsAre("1 there are 5 fields where passwd has 7",
                          "2 \"uid\" is not a user number",
                          "4 \"a b\" is not a mailbox: not an address of the form local@domain",
                          "5 \"\" is not a mailbox: the address is empty",
                          "6 bob@example.org is there twice, first in line 3"));
}

TEST(read_passwd, user_numbers_are_bounds_to_choose) {
  import_rules all = rules;
  all.min_uid = 0;
  all.max_uid = 70000;
  EXPECT_EQ(read_passwd("root:x:0:0:::\nnobody:x:65534:0:::\n", all).entries.size(), 2U);
}

TEST(read_passwd, without_a_domain_names_stay_bare_or_get_the_default) {
  EXPECT_THAT(entries(read_passwd("ann:x:1000:0:::\n", {})), ElementsAre("1 ann"));
  import_rules with_default;
  with_default.addresses.default_domain = "default.example";
  EXPECT_THAT(entries(read_passwd("ann:x:1000:0:::\n", with_default)),
              ElementsAre("1 ann@default.example"));
}

TEST(read_csv, in_the_known_order) {
  const auto list = read_csv("ann@example.org,store1/mail1,store2/mail1,5 GiB,disabled\r\n"
                             "bob\r\n"
                             "\r\n"
                             "# comment, with comma\n"
                             "eve@other.net,,,512 MiB\n",
                             rules);
  EXPECT_THAT(problems(list), IsEmpty());
  EXPECT_THAT(entries(list),
              ElementsAre("1 ann@example.org", "2 bob@example.org", "5 eve@other.net"));
  EXPECT_EQ(to_string(*list.entries[0].home), "store1/mail1");
  EXPECT_EQ(to_string(*list.entries[0].secondary), "store2/mail1");
  EXPECT_EQ(list.entries[0].quota, 5_GiB);
  EXPECT_EQ(list.entries[0].state, directory::user_state::disabled);
  EXPECT_FALSE(list.entries[2].home);
  EXPECT_EQ(list.entries[2].quota, 512_MiB);
}

TEST(read_csv, with_a_header_a_byte_order_mark_and_quotes) {
  const auto list = read_csv("\xEF\xBB\xBFmailbox,quota,home\n"
                             "\"\"\"a, b\"\"@example.org\", 1 GiB ,\"store1/mail1\"\n"
                             "\"ann@example.org\",\"\",\n"
                             "\"eve\n@example.org\",,\n"
                             "bob,,",
                             rules);
  EXPECT_THAT(entries(list),
              ElementsAre("2 \"a, b\"@example.org", "3 ann@example.org", "6 bob@example.org"));
  EXPECT_EQ(list.entries[0].quota, 1_GiB);
  EXPECT_THAT(problems(list), ElementsAre("4 \"eve\\n@example.org\" is not a mailbox: control "
                                          "characters are not allowed in an address"));
}

TEST(read_csv, says_what_is_wrong_with_a_line) {
  const auto list = read_csv("ann@example.org,store1\n"
                             "ann@example.org,,,lots\n"
                             "ann@example.org,,,,gone\n"
                             "ann@example.org,,,,,\n"
                             "ann@example.org,,store1/../x\n"
                             ",store1/mail1\n"
                             "ann@EXAMPLE.org\n"
                             "Ann@example.org\n"
                             "\"x\"y\n"
                             "\"open\n"
                             "ok@example.org\n",
                             rules);
  EXPECT_THAT(entries(list), ElementsAre("7 ann@example.org"));
  EXPECT_THAT(
      problems(list),
      ElementsAre("1 \"store1\" is not a partition; write it as SERVER/DIRECTORY",
                  "2 \"lots\" is not a quota; write it as 500 MiB or 5 GiB",
                  "3 \"gone\" is not a state; write active or disabled",
                  "4 there are 6 columns where 5 were expected",
                  "5 \"store1/../x\" is not a partition; write it as SERVER/DIRECTORY",
                  "6 \"\" is not a mailbox: the address is empty",
                  "8 ann@example.org is there twice, first in line 7",
                  "9 a quote is not closed, or something follows it; write \"a \"\"quoted\"\" "
                  "word\"",
                  "10 a quote is not closed, or something follows it; write \"a "
                  "\"\"quoted\"\" word\""));
}

TEST(read_csv, an_unknown_column_is_no_guess) {
  const auto list = read_csv("mailbox,qouta\nann@example.org,1 GiB\n", rules);
  EXPECT_THAT(entries(list), IsEmpty());
  EXPECT_THAT(
      problems(list),
      ElementsAre("1 there is no column \"qouta\" (did you mean quota?); known are mailbox, "
                  "home, secondary, quota and state"));
}

TEST(read_csv, nothing_is_nothing) {
  EXPECT_THAT(entries(read_csv("", rules)), IsEmpty());
  EXPECT_THAT(problems(read_csv("\n\n# only\n", rules)), IsEmpty());
  EXPECT_THAT(entries(read_csv("mailbox\n", rules)), IsEmpty());
}

} // namespace
} // namespace homeward::admin
