#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "lib/mail/address.hpp"
#include "lib/mail/reverse_path.hpp"

using namespace homeward::mail;

namespace {

std::string parsed(std::string_view text, charset allowed = charset::ascii) {
  const auto a = parse_path(text, allowed);
  return a ? "[" + a->local + "|" + a->domain + "] " + to_string(*a)
           : std::string(words(a.error()));
}

address_fault fault_of(std::string_view text, charset allowed = charset::ascii) {
  const auto a = parse_path(text, allowed);
  EXPECT_FALSE(a.has_value()) << text << " gave " << to_string(*a);
  return a ? address_fault{} : a.error();
}

} // namespace

TEST(address, reads_the_examples_of_the_standards) {
  // RFC 5321 4.1.2, appendix D; RFC 5322 appendix A.
  EXPECT_EQ(parsed("<JOE@ABC.COM>"), "[JOE|ABC.COM] JOE@ABC.COM");
  EXPECT_EQ(parsed("Smith@bar.com"), "[Smith|bar.com] Smith@bar.com");
  EXPECT_EQ(parsed("<@INT.EXAMPLE,@d.bar.org:userc@d.bar.org>"),
            "[userc|d.bar.org] userc@d.bar.org");
  EXPECT_EQ(parsed("mary@x.test"), "[mary|x.test] mary@x.test");
  EXPECT_EQ(parsed("sysservices@example.net"), "[sysservices|example.net] sysservices@example.net");
  EXPECT_EQ(parsed("user+mailbox/department=shipping@example.com"),
            "[user+mailbox/department=shipping|example.com] "
            "user+mailbox/department=shipping@example.com");
  EXPECT_EQ(parsed("!#$%&'*+-/=?^_`.{|}~@example.com"),
            "[!#$%&'*+-/=?^_`.{|}~|example.com] !#$%&'*+-/=?^_`.{|}~@example.com");
  EXPECT_EQ(parsed("Postmaster"), "[Postmaster|] Postmaster");
}

TEST(address, unquotes_what_needs_no_quotes_and_keeps_the_others) {
  EXPECT_EQ(parsed("\"ann\"@y"), "[ann|y] ann@y");
  EXPECT_EQ(parsed("\"\\a\\n\\n\"@y"), "[ann|y] ann@y");
  EXPECT_EQ(parsed("\"Abc@def\"@example.com"), "[Abc@def|example.com] \"Abc@def\"@example.com");
  EXPECT_EQ(parsed("\"Joe.\\\\Blow\"@example.com"),
            "[Joe.\\Blow|example.com] \"Joe.\\\\Blow\"@example.com");
  EXPECT_EQ(parsed("\"a\\\"b\"@y"), "[a\"b|y] \"a\\\"b\"@y");
  EXPECT_EQ(parsed("\"two words\""), "[two words|] \"two words\"");
  EXPECT_EQ(parsed("\" \"@y"), "[ |y] \" \"@y");
  EXPECT_EQ(parsed("\"<a@b>\"@y"), "[<a@b>|y] \"<a@b>\"@y");
}

TEST(address, quotes_dots_that_stand_at_an_edge_or_together) {
  EXPECT_EQ(parsed("a..b@docomo.example"), "[a..b|docomo.example] \"a..b\"@docomo.example");
  EXPECT_EQ(parsed(".a@y"), "[.a|y] \".a\"@y");
  EXPECT_EQ(parsed("a.@y"), "[a.|y] \"a.\"@y");
  EXPECT_EQ(parsed("..@y"), "[..|y] \"..\"@y");
  EXPECT_EQ(parsed("a.b.c@y"), "[a.b.c|y] a.b.c@y");
}

TEST(address, reads_literals) {
  EXPECT_EQ(parsed("<ann@[192.0.2.1]>"), "[ann|[192.0.2.1]] ann@[192.0.2.1]");
  EXPECT_EQ(parsed("<ann@[IPv6:2001:db8::1]>"), "[ann|[IPv6:2001:db8::1]] ann@[IPv6:2001:db8::1]");
  for (const char* const bad : {"a@[]", "a@[", "a@[1.2.3.4", "a@[1]x", "a@[a b]", "a@[[1]]",
                                "a@x[1]", "a@[\\1]", "a@[1>2]", "a@[\"]", "a@]"}) {
    EXPECT_EQ(fault_of(bad), address_fault::syntax) << bad;
  }
}

TEST(address, refuses_what_is_none) {
  for (const char* const bad :
       {"@y",       "ann@",      "ann@y@z", "a b@y",   "ann@y z",  " ann@y",    "ann@y ",
        "<ann@y",   "ann@y>",    "<<a@y>>", "\"\"@y",  "\"a@y",    "\"a\"b@y",  "a\"b\"@y",
        "\"a\\",    "\"a\\\"@y", "a\\b@y",  "ann@.y",  "ann@y.",   "ann@y..z",  "ann@y,z",
        "ann@y/z",  "ann@y!z",   "a,b@y",   "a:b@y",   "a;b@y",    "(c)a@y",    "a@(c)y",
        "@r ann@y", "@r",        "@:a@y",   "@r,:a@y", "@r,s:a@y", "@r:@s:a@y", "a@b:c@d"}) {
    EXPECT_EQ(fault_of(bad), address_fault::syntax) << bad;
  }
  EXPECT_EQ(fault_of("<>"), address_fault::empty);
  EXPECT_EQ(fault_of(""), address_fault::empty);
  EXPECT_EQ(fault_of("<@r:>"), address_fault::empty);
}

TEST(address, refuses_control_octets_wherever_they_stand) {
  for (int c = 0; c < 0x20; ++c) {
    const std::string octet(1, static_cast<char>(c));
    EXPECT_EQ(fault_of("a" + octet + "b@y"), address_fault::control_octet) << c;
    EXPECT_EQ(fault_of("\"a" + octet + "b\"@y"), address_fault::control_octet) << c;
    EXPECT_EQ(fault_of("\"a\\" + octet + "b\"@y"), address_fault::control_octet) << c;
    EXPECT_EQ(fault_of("a@y" + octet), address_fault::control_octet) << c;
    EXPECT_EQ(fault_of("a@[1" + octet + "]"), address_fault::control_octet) << c;
  }
  EXPECT_EQ(fault_of("a\x7f@y"), address_fault::control_octet);
}

TEST(address, takes_utf8_only_where_it_is_allowed_and_well_formed) {
  const std::string name = "\xec\x95\x88\xeb\x85\x95@\xec\x98\x88\xec\x8b\x9c.kr";
  EXPECT_EQ(fault_of(name), address_fault::needs_smtputf8);
  const auto a = parse_path(name, charset::utf8);
  ASSERT_TRUE(a);
  EXPECT_EQ(to_string(*a), name);
  for (const std::string bad : {"\xff@y", "a\xc0\xaf@y", "\xed\xa0\x80@y", "\xf4\x90\x80\x80@y",
                                "\xe2\x82@y", "\x80@y", "a@\xc3", "\xc2\x85@y", "\xe2\x80\xa8@y"}) {
    EXPECT_EQ(fault_of(bad, charset::utf8), address_fault::not_utf8);
    EXPECT_EQ(fault_of(bad, charset::ascii), address_fault::not_utf8);
  }
  EXPECT_EQ(fault_of("\"\\\xc3\xbc\"@y", charset::utf8), address_fault::syntax);
  EXPECT_EQ(parsed("\"\xc3\xbc x\"@y", charset::utf8), "[\xc3\xbc x|y] \"\xc3\xbc x\"@y");
}

TEST(address, holds_the_limits) {
  const auto x = [](std::size_t n) { return std::string(n, 'x'); };
  EXPECT_TRUE(parse_path("<" + x(86) + "@example.org>", charset::ascii));
  EXPECT_TRUE(parse_path("<" + x(252) + "@y>", charset::ascii)); // 256 with brackets
  EXPECT_EQ(fault_of("<" + x(253) + "@y>"), address_fault::path_too_long);
  EXPECT_TRUE(parse_path("a@" + x(63) + ".org", charset::ascii));
  EXPECT_EQ(fault_of("a@" + x(64) + ".org"), address_fault::domain_too_long);
  // The canonical notation counts too: two quotes more.
  EXPECT_EQ(fault_of("." + x(251) + "@y"), address_fault::path_too_long);
  EXPECT_TRUE(parse_path("." + x(249) + "@y", charset::ascii));
  // A source route is dropped before anything is counted.
  EXPECT_TRUE(
      parse_path("<@" + x(60) + "." + x(60) + ",@" + x(60) + "." + x(60) + ":" + x(200) + "@y>",
                 charset::ascii));
}

TEST(address, canonical_notation_reads_back_as_the_same_address) {
  const std::vector<std::string> locals{"a",   "a b", "a\"b", "a\\b", "a.b",  ".",  "..", "a@b",
                                        "a>b", "",    "+",    "-",    "\"\"", "\\", " ",  "a,b"};
  for (const std::string& local : locals) {
    for (const std::string domain : {"", "y", "[1.2.3.4]", "A.b"}) {
      if (local.empty()) {
        continue;
      }
      const address a{.local = local, .domain = domain};
      const auto again = parse_address(to_string(a), charset::ascii);
      ASSERT_TRUE(again) << to_string(a);
      EXPECT_EQ(*again, a);
      const auto in_path = parse_path("<" + to_string(a) + ">", charset::ascii);
      ASSERT_TRUE(in_path) << to_string(a);
      EXPECT_EQ(*in_path, a);
    }
  }
}

TEST(address, parse_address_knows_no_routes_and_no_brackets) {
  EXPECT_FALSE(parse_address("@r:a@y", charset::ascii));
  EXPECT_FALSE(parse_address("<a@y>", charset::ascii));
  EXPECT_TRUE(parse_address("a@y", charset::ascii));
}

TEST(split_path, ends_at_the_closing_bracket_outside_quotes) {
  const auto split = [](std::string_view text) {
    const auto s = split_path(text);
    return s ? std::string(s->path) + "|" + std::string(s->rest) : std::string("none");
  };
  EXPECT_EQ(split("<a@b> SIZE=1"), "<a@b>| SIZE=1");
  EXPECT_EQ(split("<>"), "<>|");
  EXPECT_EQ(split("<\"a>b\"@y>x"), "<\"a>b\"@y>|x");
  EXPECT_EQ(split("<\"a\\\">b\"@y> z"), "<\"a\\\">b\"@y>| z");
  EXPECT_EQ(split("<a@b"), "none");
  EXPECT_EQ(split("<\"a@b>"), "none");
  EXPECT_EQ(split("a@b>"), "none");
  EXPECT_EQ(split(""), "none");
  EXPECT_EQ(split("<\"\\"), "none");
}

TEST(reverse_path, may_be_nobody) {
  EXPECT_TRUE(parse_reverse_path("<>", charset::ascii)->is_null());
  EXPECT_TRUE(parse_reverse_path("", charset::ascii)->is_null());
  EXPECT_EQ(reverse_path{}.text(), "<>");
  const auto ann = parse_reverse_path("<@r:ann@y>", charset::ascii);
  ASSERT_TRUE(ann);
  EXPECT_FALSE(ann->is_null());
  EXPECT_EQ(ann->text(), "<ann@y>");
  EXPECT_EQ(*ann, *parse_reverse_path("ann@y", charset::ascii));
  EXPECT_EQ(parse_reverse_path("< >", charset::ascii).error(), address_fault::syntax);
  EXPECT_EQ(parse_reverse_path("<", charset::ascii).error(), address_fault::syntax);
}
