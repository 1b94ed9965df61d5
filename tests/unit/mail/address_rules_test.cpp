#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lib/mail/address_rules.hpp"

using namespace homeward::mail;

namespace {

using names = std::vector<std::string>;

names candidates(const address_rules& rules, std::string_view text) {
  return rules.candidates(*parse_path(text, charset::utf8));
}

} // namespace

TEST(address_rules, look_for_the_whole_local_part_before_its_detail_is_dropped) {
  const address_rules rules;
  EXPECT_EQ(candidates(rules, "ann@y"), names{"ann@y"});
  EXPECT_EQ(candidates(rules, "ann+lists@y"), (names{"ann+lists@y", "ann@y"}));
  EXPECT_EQ(candidates(rules, "ann+a+b@y"), (names{"ann+a+b@y", "ann@y"}));
  EXPECT_EQ(candidates(rules, "ann+@y"), (names{"ann+@y", "ann@y"}));
  EXPECT_EQ(candidates(rules, "+ann@y"), names{"+ann@y"});
}

TEST(address_rules, delimiter_may_be_several_characters_or_none) {
  EXPECT_EQ(candidates({.recipient_delimiter = "+-"}, "ann-x+y@y"), (names{"ann-x+y@y", "ann@y"}));
  EXPECT_EQ(candidates({.recipient_delimiter = ""}, "ann+x@y"), names{"ann+x@y"});
}

TEST(address_rules, fold_ascii_case) {
  EXPECT_EQ(candidates({}, "Ann.Lee+X@Example.ORG"),
            (names{"ann.lee+x@example.org", "ann.lee@example.org"}));
  EXPECT_EQ(candidates({.fold_case = false}, "Ann@Example.ORG"), names{"Ann@example.org"});
  EXPECT_EQ(candidates({}, "\xc3\x84nn@y"), names{"\xc3\x84nn@y"}); // not an ASCII letter
}

TEST(address_rules, postmaster_is_one_whatever_its_case) {
  EXPECT_EQ(candidates({.fold_case = false, .default_domain = "y"}, "PostMaster"),
            names{"postmaster@y"});
}

TEST(address_rules, bare_local_parts_get_the_default_domain) {
  EXPECT_EQ(candidates({.default_domain = "Lab.Test"}, "u1"), names{"u1@lab.test"});
  EXPECT_EQ(candidates({.default_domain = "lab.test"}, "u3+det"),
            (names{"u3+det@lab.test", "u3@lab.test"}));
  EXPECT_EQ(candidates({}, "u1"), names{"u1"});
}

TEST(address_rules, quotes_go_where_they_are_not_needed_and_come_where_they_are) {
  EXPECT_EQ(candidates({}, "\"ann\"@y"), names{"ann@y"});
  EXPECT_EQ(candidates({}, "\"two words+x\"@y"), (names{"\"two words+x\"@y", "\"two words\"@y"}));
  EXPECT_EQ(candidates({}, "\"ann+two words\"@y"), (names{"\"ann+two words\"@y", "ann@y"}));
}

TEST(address_rules, catch_all_is_looked_up_last_and_by_the_same_rules) {
  const address_rules rules{.default_domain = "y",
                            .catch_all = {{"Y", "Rest@Y"}, {"z.example", "ann+z@y"}, {"y", "no"}}};
  EXPECT_EQ(candidates(rules, "typo@y"), (names{"typo@y", "rest@y"}));
  EXPECT_EQ(candidates(rules, "typo+x@y"), (names{"typo+x@y", "typo@y", "rest@y"}));
  EXPECT_EQ(candidates(rules, "typo"), (names{"typo@y", "rest@y"}));
  EXPECT_EQ(candidates(rules, "typo@Z.EXAMPLE"), (names{"typo@z.example", "ann+z@y"}));
  EXPECT_EQ(candidates(rules, "typo@sub.z.example"), names{"typo@sub.z.example"});
  EXPECT_EQ(candidates(rules, "rest@y"), names{"rest@y"}) << "no name twice";
  EXPECT_EQ(candidates(rules, "rest+x@y"), (names{"rest+x@y", "rest@y"}));
}

TEST(address_rules, catch_all_mailbox_without_a_domain_is_completed_and_bad_ones_do_nothing) {
  EXPECT_EQ(candidates({.default_domain = "y", .catch_all = {{"y", "rest"}}}, "typo"),
            (names{"typo@y", "rest@y"}));
  EXPECT_EQ(candidates({.catch_all = {{"y", "a b"}}}, "typo@y"), names{"typo@y"});
  EXPECT_EQ(candidates({.catch_all = {{"", "rest@y"}}}, "typo"), (names{"typo", "rest@y"}));
}

TEST(address_rules, canonical_keeps_the_detail_and_is_its_own_canonical) {
  const address_rules rules{.default_domain = "y"};
  for (const char* const text : {"Ann", "\"A b\"@Z", "x+Y@Q", "a..B@c"}) {
    const auto a = parse_path(text, charset::ascii);
    ASSERT_TRUE(a);
    const std::string once = rules.canonical(*a);
    EXPECT_EQ(rules.canonical(*parse_address(once, charset::ascii)), once);
  }
  EXPECT_EQ(rules.canonical(*parse_path("Ann+X", charset::ascii)), "ann+x@y");
}
