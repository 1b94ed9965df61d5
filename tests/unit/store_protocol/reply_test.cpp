#include <random>
#include <string>

#include <gtest/gtest.h>

#include "lib/store_protocol/reply.hpp"

namespace homeward::store_protocol {
namespace {

const limits defaults;

reply make(bool ok, std::string code, std::string text) {
  reply r;
  r.ok = ok;
  r.code = std::move(code);
  r.text = std::move(text);
  return r;
}

TEST(reply, is_taken_apart) {
  const auto r = parse_reply("+OK [STORED name=1.k.o,S=12 repeat=yes] <ann@x> stored");
  ASSERT_TRUE(r);
  EXPECT_TRUE(r->ok);
  EXPECT_EQ(r->code, "STORED");
  ASSERT_NE(r->find("name"), nullptr);
  EXPECT_EQ(*r->find("name"), "1.k.o,S=12");
  EXPECT_EQ(*r->find("repeat"), "yes");
  EXPECT_EQ(r->find("load"), nullptr);
  EXPECT_EQ(r->text, "<ann@x> stored");

  const auto moved = parse_reply("-ERR [MOVED store2/mail1] gone");
  ASSERT_TRUE(moved);
  EXPECT_FALSE(moved->ok);
  ASSERT_EQ(moved->arguments.size(), 1U);
  EXPECT_EQ(moved->arguments[0], "store2/mail1");
}

TEST(reply, of_a_base_store_is_text) {
  EXPECT_EQ(parse_reply("+OK")->text, "");
  EXPECT_EQ(parse_reply("-ERR no such user here")->text, "no such user here");
  EXPECT_EQ(parse_reply("-ERR no such user here")->code, "");
}

TEST(reply, with_brackets_against_the_grammar_is_text) {
  for (const char* odd :
       {"+OK [stored] x", "+OK [STORED", "+OK [STORED name] =", "+OK [] x", "+OK [STORED name=] x",
        "+OK [STORED a=1 a=2] x", "+OK [STORED  a=1] x", "+OK [STORED a=1 b] x", "+OK [STORED]x",
        "+OK [ STORED] x", "+OK [STORED N=1] x"}) {
    const auto r = parse_reply(odd);
    ASSERT_TRUE(r) << odd;
    if (std::string_view(odd) != "+OK [STORED name] =") {
      EXPECT_EQ(r->code, "") << odd;
      EXPECT_EQ(r->text, std::string_view(odd).substr(4)) << odd;
    }
  }
}

TEST(reply, that_is_none_is_refused) {
  for (const std::string& bad :
       {std::string(""), std::string("OK"), std::string("+ok"), std::string("+O"),
        std::string("+OKAY"), std::string("-ERROR"), std::string("250 ok"), std::string("+OK a\tb"),
        std::string("+OK a\0b", 7), std::string("+OK a\rb"), std::string(" +OK"),
        std::string("-ERR\x7f")}) {
    EXPECT_FALSE(parse_reply(bad)) << bad;
  }
}

TEST(reply, is_refused_by_the_encoder_when_it_would_not_come_back) {
  EXPECT_FALSE(encode_reply(make(true, "", "[STORED] x"), defaults));
  EXPECT_FALSE(encode_reply(make(true, "lower", "x"), defaults));
  EXPECT_FALSE(encode_reply(make(true, "A B", "x"), defaults));
  EXPECT_FALSE(encode_reply(make(true, "", "a\r\n+OK b"), defaults));
  EXPECT_FALSE(encode_reply(make(true, "", std::string(1022, 'x')), defaults));
  EXPECT_TRUE(encode_reply(make(true, "", std::string(1018, 'x')), defaults));
  EXPECT_EQ(*encode_reply(make(false, "TEMP", ""), defaults), "-ERR [TEMP]\r\n");
}

TEST(reply, is_written_in_any_case) {
  reply r = make(true, "STORED", "a\r\nb" + std::string(2000, 'x'));
  r.pairs.emplace_back("name", "with space");
  r.pairs.emplace_back("n", "1");
  r.arguments.emplace_back("]");
  const std::string line = write_reply(r, defaults);
  EXPECT_EQ(line.size(), defaults.line);
  EXPECT_TRUE(line.starts_with("+OK [STORED] a??bxxx"));
  EXPECT_TRUE(parse_reply(std::string_view(line).substr(0, line.size() - 2)));
  EXPECT_EQ(write_reply(make(false, "", "[x] y"), defaults), "-ERR (x] y\r\n");
  // Not cut within a character.
  reply wide = make(true, "", std::string(1015, 'x') + "\xe2\x82\xac\xe2\x82\xac");
  EXPECT_EQ(write_reply(wide, defaults), "+OK " + std::string(1015, 'x') + "\xe2\x82\xac\r\n");
}

TEST(reply, keeps_whose_result_it_is_when_it_gets_long) {
  limits tight;
  tight.line = 100;
  reply r = make(true, "STORED", "<ann@example.org> stored");
  r.pairs.emplace_back("name", "1700000000.key.mx1");
  add_load(
      r, {100, ~std::uint64_t{0}, {~std::uint64_t{0}}, {~std::uint64_t{0}}, std::string(100, 'v')});
  EXPECT_EQ(write_reply(r, tight),
            "+OK [STORED name=1700000000.key.mx1] <ann@example.org> stored\r\n");
  EXPECT_LE(write_reply(r, defaults).size(), defaults.line);
}

TEST(reply, gives_back_every_value_or_refuses_it) {
  std::mt19937_64 engine(42);
  const auto below = [&](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(engine);
  };
  const auto text = [&](std::string_view alphabet, std::size_t longest) {
    std::string out;
    for (std::size_t n = below(longest + 1); n > 0; --n) {
      out += alphabet[below(alphabet.size())];
    }
    return out;
  };
  std::size_t encoded = 0;
  for (int i = 0; i < 20000; ++i) {
    reply r = make(below(2) == 0, text("ABZ", 4), text("ab [=]<@\xc3\xa4\r", 12));
    for (std::size_t n = below(3); n > 0; --n) {
      r.arguments.push_back(text("ab/1=]", 4));
    }
    for (std::size_t n = below(3); n > 0; --n) {
      r.pairs.emplace_back(text("abc", 3), text("1=,S]x", 4));
    }
    if (const auto line = encode_reply(r, defaults)) {
      ++encoded;
      EXPECT_EQ(*parse_reply(std::string_view(*line).substr(0, line->size() - 2)), r);
    }
    const std::string written = write_reply(r, defaults);
    EXPECT_TRUE(parse_reply(std::string_view(written).substr(0, written.size() - 2))) << written;
  }
  EXPECT_GT(encoded, 500U);
}

TEST(failure_codes, travel_by_name) {
  for (const char* code : {"TEMP", "PERM", "QUOTA", "NOUSER", "NOPRTN", "MOVED", "FULL", "TOOBIG",
                           "DENIED", "SYNTAX"}) {
    const auto reason = reason_of(code);
    ASSERT_TRUE(reason) << code;
    EXPECT_EQ(code_of(*reason), code);
  }
  EXPECT_FALSE(reason_of("STORED"));
  EXPECT_FALSE(reason_of(""));
}

TEST(failure_codes, say_who_has_to_try_again) {
  const auto kind = [](std::string_view line) {
    const auto r = parse_reply(line);
    return failure_from(*r, r->text).kind;
  };
  for (const char* permanent : {"-ERR [PERM] x", "-ERR [NOUSER] x", "-ERR [TOOBIG] x"}) {
    EXPECT_EQ(kind(permanent), failure_kind::permanent) << permanent;
  }
  for (const char* passing :
       {"-ERR", "-ERR x", "-ERR [TEMP] x", "-ERR [QUOTA] x", "-ERR [FULL] x", "-ERR [NOPRTN] x",
        "-ERR [MOVED a/b] x", "-ERR [DENIED] x", "-ERR [SYNTAX] x", "-ERR [FUTURE] x"}) {
    EXPECT_EQ(kind(passing), failure_kind::transient) << passing;
  }
}

TEST(failure_codes, keep_the_new_home) {
  failure moved{.kind = failure_kind::transient, .reason = failure_reason::moved, .what = "gone"};
  moved.detail = "store2/mail1";
  const std::string line = write_reply(reply_for(moved), defaults);
  EXPECT_EQ(line, "-ERR [MOVED store2/mail1] gone\r\n");
  const auto back = parse_reply(std::string_view(line).substr(0, line.size() - 2));
  EXPECT_EQ(failure_from(*back, back->text).detail, "store2/mail1");

  moved.detail = "../x y";
  EXPECT_EQ(write_reply(reply_for(moved), defaults), "-ERR [MOVED] gone\r\n");
  const auto odd = parse_reply("-ERR [MOVED ../etc/x] gone");
  EXPECT_EQ(failure_from(*odd, odd->text).detail, "");
}

TEST(failure_words, of_a_peer_are_made_printable) {
  const auto r = parse_reply("-ERR [TEMP] \xff\xfe odd");
  const failure f = failure_from(*r, r->text);
  EXPECT_EQ(f.what, "\\xff\\xfe odd");
}

TEST(load, travels_as_pairs) {
  const load_figures load{12, 3, 500_MiB, 2_GiB, "0.1.0"};
  reply r = make(true, "LOAD", "");
  add_load(r, load);
  EXPECT_EQ(write_reply(r, defaults),
            "+OK [LOAD busy=12 sessions=3 free=524288000 total=2147483648 version=0.1.0]\r\n");
  EXPECT_EQ(load_from(r), load);
  EXPECT_FALSE(load_from(make(true, "LOAD", "")));
  EXPECT_FALSE(load_from(*parse_reply("+OK [LOAD busy=101] x")));
  EXPECT_FALSE(load_from(*parse_reply("+OK [LOAD busy=x] x")));
  EXPECT_EQ(load_from(*parse_reply("+OK [LOAD busy=1 later=2] x"))->busy_percent, 1U);
}

} // namespace
} // namespace homeward::store_protocol
