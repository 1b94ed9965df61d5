#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "milter/knowledge/alias_names.hpp"

namespace homeward::milter {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

alias_names aliases(std::string_view text) {
  return parse_alias_names(text, alias_format::aliases);
}
alias_names postfix(std::string_view text) {
  return parse_alias_names(text, alias_format::postfix);
}

TEST(alias_names_test, reads_aliases_as_newaliases_does) {
  const alias_names n = aliases("# a comment: not an alias\n"
                                "\n"
                                "postmaster: root\n"
                                "Ann :  bob,\n"
                                "\tcat,\n"
                                "   dan: not a name either\n"
                                "\"John Smith\": js@example.org\n"
                                "\"a:b\": x\n"
                                "list+*: |/usr/bin/list\n"
                                "quoted\\ name: y\r\n"
                                "<eve>: z\n"
                                "full@example.org: somewhere\n"
                                "last: without a line end");
  EXPECT_THAT(n.locals, UnorderedElementsAre("postmaster", "ann", "john smith", "a:b", "list+*",
                                             "quoted name", "eve", "last"));
  EXPECT_THAT(n.addresses, UnorderedElementsAre("full@example.org"));
  EXPECT_EQ(n.problem_count, 0U);
}

TEST(alias_names_test, reads_postmap_sources) {
  const alias_names n = postfix("# comment\n"
                                "  # and one behind spaces\n"
                                "Ann@Example.ORG bob@example.org,\n"
                                "    continued@example.org\n"
                                "\"john smith\"@example.org js\n"
                                "bare\tvalue\n"
                                "@whole.example everybody@example.org\n"
                                "user+*@example.org x\n");
  EXPECT_THAT(n.addresses, UnorderedElementsAre("ann@example.org", "john smith@example.org",
                                                "user+*@example.org"));
  EXPECT_THAT(n.locals, UnorderedElementsAre("bare"));
  EXPECT_THAT(n.domains, UnorderedElementsAre("whole.example"));
  EXPECT_EQ(n.problem_count, 0U);
}

struct bad_line {
  alias_format format;
  std::string text;
  alias_problem problem;
};

class alias_problems_test : public testing::TestWithParam<bad_line> {};

TEST_P(alias_problems_test, are_reported_and_the_rest_is_kept) {
  const bad_line& c = GetParam();
  const std::string good = c.format == alias_format::aliases ? "good: x\n" : "good x\n";
  const alias_names n = parse_alias_names(c.text + "\n" + good, c.format);
  EXPECT_THAT(n.problems, ElementsAre(c.problem));
  EXPECT_THAT(n.locals, ElementsAre("good"));
}

INSTANTIATE_TEST_SUITE_P(
    lines, alias_problems_test,
    testing::Values(
        bad_line{alias_format::aliases, "no colon here", {1, "has no colon"}},
        bad_line{alias_format::aliases, ": no name", {1, "has no name"}},
        bad_line{alias_format::aliases, "\"open: quote", {1, "has a quote that does not end"}},
        bad_line{
            alias_format::aliases, "   ann: x", {1, "begins with a space, but continues nothing"}},
        bad_line{alias_format::aliases,
                 "#\n" + std::string(longest_alias + 1, 'a') + ": x",
                 {2, "has a name that is too long"}},
        bad_line{alias_format::postfix, "lonely", {1, "has a name without a value"}},
        bad_line{alias_format::postfix, "\"open quote x", {1, "has a quote that does not end"}}));

TEST(alias_names_test, a_line_that_sendmail_may_join_to_the_one_before_is_no_problem) {
  const alias_names n = aliases("ann: bob, \\\ncat\ndan: x\n");
  EXPECT_EQ(n.problem_count, 0U);
  EXPECT_THAT(n.locals, UnorderedElementsAre("ann", "dan"));
}

TEST(alias_names_test, takes_any_octets) {
  std::string all;
  for (int i = 0; i < 256; ++i) {
    all += static_cast<char>(i);
  }
  for (const alias_format format : {alias_format::aliases, alias_format::postfix}) {
    static_cast<void>(parse_alias_names(all, format));
    static_cast<void>(parse_alias_names(std::string(1 << 20, '"'), format));
    static_cast<void>(parse_alias_names(std::string(1 << 20, '\\'), format));
    static_cast<void>(parse_alias_names(std::string(1 << 16, ':'), format));
    EXPECT_EQ(parse_alias_names("", format).size(), 0U);
    EXPECT_EQ(parse_alias_names("\n\n\n", format).size(), 0U);
    EXPECT_EQ(parse_alias_names(std::string("a\0b: x", 6), alias_format::aliases).size(), 1U);
  }
  alias_names many = aliases([] {
    std::string text;
    for (int i = 0; i < 1000; ++i) {
      text += "bad line\n";
    }
    return text;
  }());
  EXPECT_EQ(many.problem_count, 1000U);
  EXPECT_EQ(many.problems.size(), kept_alias_problems);
}

TEST(alias_names_test, keys_are_the_name_with_and_without_detail) {
  EXPECT_THAT(alias_keys("Ann", "+"), ElementsAre("ann"));
  EXPECT_THAT(alias_keys("ann+Lists", "+"), ElementsAre("ann+lists", "ann+*", "ann"));
  EXPECT_THAT(alias_keys("ann+a-b", "-+"), ElementsAre("ann+a-b", "ann+*", "ann"));
  EXPECT_THAT(alias_keys("+ann", "+"), ElementsAre("+ann"));
  EXPECT_THAT(alias_keys("ann+x", ""), ElementsAre("ann+x"));
}

TEST(alias_names_test, covers_what_the_alias_stage_may_change) {
  const alias_names n = aliases("ann: x\nlist+*: y\nfull@example.org: z\n");
  EXPECT_TRUE(n.cover("ANN", "example.org", true, "+"));
  EXPECT_TRUE(n.cover("ann+detail", "example.org", true, "+"));
  EXPECT_FALSE(n.cover("ann", "example.org", false, "+")) << "the file is not for this domain";
  EXPECT_FALSE(n.cover("anna", "example.org", true, "+"));
  EXPECT_TRUE(n.cover("list+x", "example.org", true, "+"));
  EXPECT_FALSE(n.cover("list", "example.org", true, "+"));
  EXPECT_TRUE(n.cover("full", "example.org", false, "+"));
  EXPECT_FALSE(n.cover("full", "example.com", true, "+"));
  const alias_names domain = postfix("@example.org x\n");
  EXPECT_TRUE(domain.cover("anybody", "example.org", false, "+"));
  EXPECT_FALSE(domain.cover("anybody", "sub.example.org", false, "+"));
}

} // namespace
} // namespace homeward::milter
