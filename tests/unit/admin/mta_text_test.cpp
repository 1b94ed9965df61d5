// The texts of an apply: marked blocks, lists in main.cf, places in sendmail.mc, diffs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admin/mta/check_common.hpp"
#include "admin/mta/line_diff.hpp"
#include "admin/mta/marked_block.hpp"
#include "admin/mta/postfix_config.hpp"
#include "admin/mta/sendmail_config.hpp"
#include "admin/mta/value_list.hpp"

namespace homeward::admin::mta {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// --- marked blocks -------------------------------------------------------------------------

TEST(marked_block, twice_is_once_and_taking_out_gives_back_every_octet) {
  const std::string own = "example.com\tsmtp:[a]\n# a comment\n";
  const auto once = with_block_at_end(own, {"example.org\thomeward:any"}, table_comments);
  EXPECT_THAT(once, HasSubstr("example.org\thomeward:any\n"));
  EXPECT_EQ(with_block_at_end(once, {"example.org\thomeward:any"}, table_comments), once);
  EXPECT_EQ(without_blocks(once, table_comments), own);
  EXPECT_EQ(with_block_at_end(once, {}, table_comments), own);
}

TEST(marked_block, lines_behind_our_block_stay_behind_nothing) {
  const std::string text = "a\n" + block_of({"x"}, table_comments) + "b\n";
  EXPECT_EQ(without_blocks(text, table_comments), "a\nb\n");
}

TEST(marked_block, a_mark_without_partner_is_noticed_and_left_alone) {
  for (const std::string text : {"a\n# BEGIN homeward (x)\nb\n", "a\n# END homeward\nb\n",
                                 "# BEGIN homeward\n# BEGIN homeward\n# END homeward\n"}) {
    EXPECT_TRUE(has_broken_block(text, table_comments)) << text;
    EXPECT_EQ(without_blocks(text, table_comments), text);
  }
  EXPECT_FALSE(has_broken_block("# BEGIN homewardish\n", table_comments));
}

TEST(marked_block, the_last_line_may_lack_its_end) {
  EXPECT_EQ(without_blocks("a", table_comments), "a");
  const auto text = with_block_at_end("a", {"x"}, table_comments);
  EXPECT_TRUE(text.starts_with("a\n# BEGIN homeward"));
}

TEST(marked_block, mc_places_are_before_the_first_and_behind_the_last_mailer) {
  const auto lines = split_lines("divert(-1)dnl\n# MAILER(`no')\ndivert(0)dnl\ndnl MAILER(`no')\n"
                                 "OSTYPE(`debian')dnl\nMAILER_DEFINITIONS\nMAILER(`local')dnl\n"
                                 "MAILER(`smtp')dnl\n\nLOCAL_CONFIG\nCwx\n");
  const auto places = find_mc_places(lines);
  ASSERT_TRUE(places);
  EXPECT_EQ(places->features, 5U);
  EXPECT_EQ(places->mailers, 8U);
  EXPECT_FALSE(find_mc_places({"MAILERTABLE(`x')", "dnl MAILER(`local')"}));
}

TEST(marked_block, mc_blocks_are_put_in_once_and_taken_out_whole) {
  const std::string mc =
      "OSTYPE(`debian')dnl\nMAILER(`local')dnl\nMAILER(`smtp')dnl\nLOCAL_CONFIG\n";
  const auto once = with_mc_blocks(mc, {"feature"}, {"mailer"});
  ASSERT_TRUE(once);
  EXPECT_LT(once->find("\nfeature\n"), once->find("MAILER(`local')"));
  EXPECT_GT(once->find("\nmailer\n"), once->find("MAILER(`smtp')"));
  EXPECT_LT(once->find("\nmailer\n"), once->find("LOCAL_CONFIG"));
  EXPECT_EQ(with_mc_blocks(*once, {"feature"}, {"mailer"}), once);
  EXPECT_EQ(with_mc_blocks(*once, {}, {}), mc);
  EXPECT_FALSE(with_mc_blocks("OSTYPE(`debian')dnl\n", {"feature"}, {}));
}

TEST(marked_block, mc_without_a_last_line_end) {
  const auto once = with_mc_blocks("MAILER(`smtp')", {"f"}, {"m"});
  ASSERT_TRUE(once);
  EXPECT_THAT(*once, HasSubstr("MAILER(`smtp')\ndnl # BEGIN homeward mailers"));
  EXPECT_EQ(with_mc_blocks(*once, {"f"}, {"m"}), once);
}

TEST(marked_block, keys_are_set_aside_and_come_back) {
  const std::string table = "# head\nExample.ORG\tsmtp:[old]\nother.org\tsmtp:[x]\n";
  const auto aside = with_keys_set_aside(table, {"example.org"});
  EXPECT_EQ(aside,
            "# head\n# set aside by homeward: Example.ORG\tsmtp:[old]\nother.org\tsmtp:[x]\n");
  EXPECT_EQ(with_keys_set_aside(aside, {"example.org"}), aside);
  EXPECT_EQ(with_keys_set_aside(aside, {}), table);
}

// --- lists in main.cf ----------------------------------------------------------------------

TEST(value_list, words_with_braces_and_comments) {
  EXPECT_THAT(list_words("a, b\n  c,{ unix:x, t=1 } d"),
              ElementsAre("a", "b", "c", "{ unix:x, t=1 }", "d"));
  EXPECT_THAT(list_words(""), ElementsAre());
  EXPECT_TRUE(holds_item("permit_mynetworks, check_policy_service unix:x, permit",
                         "check_policy_service unix:x"));
  EXPECT_FALSE(holds_item("check_policy_service unix:y unix:x", "check_policy_service unix:x"));
}

TEST(value_list, an_item_is_added_and_the_layout_of_a_long_list_stays) {
  const std::string text = "a = 1\nsmtpd_recipient_restrictions =\n    permit_mynetworks,\n"
                           "# why not\n    reject_unauth_destination,\n"
                           "    check_client_access hash:/x\nb = 2\n";
  const auto once = with_list_item(text, "smtpd_recipient_restrictions", "permit_mynetworks",
                                   "check_policy_service unix:p", list_place::restriction);
  EXPECT_EQ(once, "a = 1\nsmtpd_recipient_restrictions =\n    permit_mynetworks,\n"
                  "# why not\n    reject_unauth_destination,\n    check_policy_service unix:p,\n"
                  "    check_client_access hash:/x\nb = 2\n");
  EXPECT_EQ(
      without_list_item(once, "smtpd_recipient_restrictions", "check_policy_service unix:p", false),
      text);
}

TEST(value_list, front_back_and_before_a_last_permit) {
  EXPECT_EQ(with_list_item("t = a, b\n", "t", "a, b", "x", list_place::front), "t = x, a, b\n");
  EXPECT_EQ(with_list_item("t = a, b\n", "t", "a, b", "x", list_place::back), "t = a, b, x\n");
  EXPECT_EQ(with_list_item("t = a, permit\n", "t", "a, permit", "x", list_place::restriction),
            "t = a, x, permit\n");
  EXPECT_EQ(with_list_item("t =\n", "t", "", "x", list_place::back), "t = x\n");
}

TEST(value_list, a_list_with_a_default_only_is_written_with_its_default) {
  EXPECT_EQ(with_list_item("a = 1\n", "local_recipient_maps",
                           "proxy:unix:passwd.byname $alias_maps", "socketmap:x", list_place::back),
            "a = 1\nlocal_recipient_maps = proxy:unix:passwd.byname $alias_maps, socketmap:x\n");
  EXPECT_EQ(with_list_item("a = 1", "t", "", "x", list_place::front), "a = 1\nt = x\n");
}

TEST(value_list, the_last_of_two_settings_counts_and_comments_do_not) {
  EXPECT_EQ(with_list_item("t = a\n#t = z\nt = b\n", "t", "b", "x", list_place::back),
            "t = a\n#t = z\nt = b, x\n");
}

TEST(value_list, taking_out_the_only_item) {
  EXPECT_EQ(without_list_item("a = 1\nt = x\nb = 2\n", "t", "x", true), "a = 1\nb = 2\n");
  EXPECT_EQ(without_list_item("t = a, x\n", "t", "x", true), "t = a\n");
  EXPECT_EQ(without_list_item("t = x, a\n", "t", "x", true), "t = a\n");
  EXPECT_EQ(without_list_item("t = a\n", "t", "x", true), "t = a\n");
}

TEST(value_list, a_fragment_is_taken_apart) {
  const auto found = parse_main_cf("# c\na = 1\n\nlist = x,\n# c\n    y\nempty =\n");
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[1].value, "x, y");
  EXPECT_EQ(found[2].name, "empty");
  EXPECT_EQ(found[2].value, "");
}

TEST(postfix_config, a_master_fragment_is_taken_apart) {
  const auto services = parse_master_cf("# c\nhomeward unix - - n - 64 lmtp\n# d\n  -o a=b\n"
                                        "  -o c=static:all\n");
  ASSERT_EQ(services.size(), 1U);
  EXPECT_EQ(services[0].name, "homeward/unix");
  EXPECT_EQ(services[0].line, "homeward unix - - n - 64 lmtp");
  ASSERT_EQ(services[0].options.size(), 2U);
  EXPECT_EQ(services[0].options[1].second, "static:all");
}

// --- sendmail.cf ---------------------------------------------------------------------------

TEST(sendmail_config, definitions_options_and_maps) {
  const auto cf = parse_cf("# c\nO DeliveryMode=background\nO DaemonPortOptions=Port=25, Addr=::1\n"
                           "Mlocal, P=[IPC], F=lsDFM/:|, S=A/B,\n\t\tA=FILE /run/x.sock\n"
                           "Xhomeward, S=unix:/m, F=T, T=C:10s;E:60s\n"
                           "Kaccess hash -T<TMPF> /etc/mail/access.db\nKuser user -m -a<>\n");
  EXPECT_EQ(cf.option("DeliveryMode"), "background");
  EXPECT_EQ(cf.option("none"), "");
  ASSERT_NE(cf.mailer("local"), nullptr);
  EXPECT_EQ(cf.mailer("local")->field("A"), "FILE /run/x.sock");
  EXPECT_EQ(cf.mailer("local")->field("F"), "lsDFM/:|");
  ASSERT_EQ(cf.filters.size(), 1U);
  EXPECT_EQ(cf.filters[0].field("T"), "C:10s;E:60s");
  ASSERT_NE(cf.map("access"), nullptr);
  EXPECT_EQ(cf.map("access")->file(), "/etc/mail/access");
  EXPECT_EQ(cf.map("user")->file(), "");
}

TEST(sendmail_config, two_builds_differ_in_their_marks_only) {
  EXPECT_EQ(without_build_marks("##### built by a on Mon #####\nDj\n"),
            without_build_marks("##### built by b on Tue #####\nDj\n"));
  EXPECT_EQ(with_path_moved("Kt hash -o /etc/mail/t.db\nF{x} /etc/mail/t\nR/etc/mail/t\n"
                            "Kt2 hash /etc/mail/table\n",
                            "/etc/mail/t", "/s/t"),
            "Kt hash -o /s/t.db\nF{x} /s/t\nR/etc/mail/t\nKt2 hash /etc/mail/table\n");
}

TEST(check, times_as_the_mtas_write_them) {
  EXPECT_EQ(mta_duration("180s", 1)->count(), 180);
  EXPECT_EQ(mta_duration("600", 1)->count(), 600);
  EXPECT_EQ(mta_duration("1h", 60)->count(), 3600);
  EXPECT_EQ(mta_duration("5", 60)->count(), 300);
  EXPECT_EQ(mta_duration("1h30m", 60)->count(), 5400);
  EXPECT_FALSE(mta_duration("soon", 1));
  EXPECT_FALSE(mta_duration("", 1));
}

// --- diffs ---------------------------------------------------------------------------------

TEST(line_diff, as_diff_u_shows_it) {
  EXPECT_EQ(unified_diff("a\nb\nc\n", "a\nb\nc\n", "x", "y"), "");
  EXPECT_EQ(unified_diff("a\nb\nc\n", "a\nB\nc\n", "x", "y"),
            "--- x\n+++ y\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
  EXPECT_EQ(unified_diff("", "a\n", "/dev/null", "y"),
            "--- /dev/null\n+++ y\n@@ -0,0 +1,1 @@\n+a\n");
}

TEST(line_diff, far_changes_have_hunks_of_their_own) {
  std::string before;
  for (int i = 0; i < 40; ++i) {
    before += std::to_string(i) + "\n";
  }
  std::string after = before;
  after.replace(after.find("5\n"), 1, "five");
  after.insert(after.find("35\n"), "new\n");
  const auto diff = unified_diff(before, after, "x", "y");
  EXPECT_THAT(diff, HasSubstr("@@ -3,7 +3,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n"));
  EXPECT_THAT(diff, HasSubstr("@@ -33,6 +33,7 @@\n 32\n 33\n 34\n+new\n 35\n"));
}

TEST(line_diff, octets_that_are_no_text_are_not_printed) {
  EXPECT_THAT(unified_diff(std::string("a\0b", 3), "x", "f", "f"), HasSubstr("not text"));
  EXPECT_THAT(unified_diff("a\n", "\x1b[31m\n", "f", "f"), HasSubstr("+\\x1b[31m"));
  EXPECT_THAT(unified_diff("a", "a\n", "f", "f"), HasSubstr("last line"));
}

TEST(line_diff, texts_without_a_common_line) {
  std::string before;
  std::string after;
  for (int i = 0; i < 2000; ++i) {
    before += "a" + std::to_string(i) + "\n";
    after += "b" + std::to_string(i) + "\n";
  }
  const auto diff = unified_diff(before, after, "f", "f");
  EXPECT_EQ(std::count(diff.begin(), diff.end(), '\n'), 4003);
}

} // namespace
} // namespace homeward::admin::mta
