#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/directory/settings.hpp"

namespace homeward::directory {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The part as a program includes it.
struct program_settings {
  mail::address_rules addresses;
};

config::table<program_settings> program_table() {
  config::table<program_settings> t{"program"};
  t.include("addresses", &program_settings::addresses, address_rules_table());
  return t;
}

// The only problem of a file, as it is shown.
std::string problem_of(const std::string& text) {
  const auto parsed = program_table().parse_text(text);
  if (parsed.has_value() || parsed.error().size() != 1) {
    ADD_FAILURE() << "expected one problem in " << text;
    return "";
  }
  return config::to_string(parsed.error().front());
}

TEST(address_settings, are_read_and_printed) {
  const auto t = program_table();
  const auto parsed = t.parse_text("addresses:\n"
                                   "  default_domain: example.org\n"
                                   "  recipient_delimiter: +-\n"
                                   "  fold_case: false\n"
                                   "  catch_all:\n"
                                   "    - {domain: example.org, mailbox: info@example.org}\n"
                                   "    - {domain: example.net, mailbox: info}\n");
  ASSERT_TRUE(parsed) << config::to_string(parsed.error().front());
  EXPECT_EQ(parsed->addresses.default_domain, "example.org");
  EXPECT_EQ(parsed->addresses.recipient_delimiter, "+-");
  EXPECT_FALSE(parsed->addresses.fold_case);
  EXPECT_THAT(parsed->addresses.catch_all,
              ElementsAre(mail::catch_all_mailbox{"example.org", "info@example.org"},
                          mail::catch_all_mailbox{"example.net", "info"}));
  const auto again = t.parse_text(t.print(*parsed));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->addresses.catch_all, parsed->addresses.catch_all);
}

TEST(address_settings, all_change_by_a_reload) {
  const auto t = program_table();
  const program_settings before{};
  const program_settings after{.addresses = {.recipient_delimiter = "-",
                                             .fold_case = false,
                                             .default_domain = "example.org",
                                             .catch_all = {{"example.org", "info"}}}};
  EXPECT_THAT(t.needs_restart(before, after), ElementsAre());
}

TEST(address_settings, say_what_is_wrong_with_a_catch_all) {
  EXPECT_THAT(problem_of("addresses:\n  catch_all:\n    - {domain: example.org}\n"),
              HasSubstr("addresses.catch_all[0].mailbox: is missing"));
  EXPECT_THAT(problem_of("addresses:\n  catch_all:\n    - {domain: '@x', mailbox: info@x}\n"),
              HasSubstr("\"@x\" is no domain; write it as example.org"));
  EXPECT_THAT(problem_of("addresses:\n  catch_all:\n    - {domain: x, mailbox: a b}\n"),
              HasSubstr("\"a b\" is no mailbox; write it as info@example.org"));
  EXPECT_THAT(problem_of("addresses:\n  catch_all:\n    - {domain: x, mailbox: a}\n"
                         "    - {domain: x, mailbox: b}\n"),
              HasSubstr("already used by the record in line 3"));
}

} // namespace
} // namespace homeward::directory
