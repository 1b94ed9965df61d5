#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lib/store_protocol/characters.hpp"
#include "lib/store_protocol/command.hpp"
#include "lib/store_protocol/xtext.hpp"

namespace homeward::store_protocol {
namespace {

const limits defaults;

std::string argument_of(const result<std::string>& line) {
  EXPECT_TRUE(line.has_value());
  const std::string text = line.has_value() ? *line : std::string{};
  EXPECT_TRUE(text.ends_with("\r\n")) << text;
  return std::string(split_command(std::string_view(text).substr(0, text.size() - 2)).argument);
}

TEST(xtext, gives_back_every_octet) {
  std::string all;
  for (int c = 0; c < 256; ++c) {
    all += static_cast<char>(c);
  }
  const std::string encoded = encode_xtext(all);
  for (const char c : encoded) {
    EXPECT_TRUE(c > ' ' && c <= '~' && c != '=') << encoded;
  }
  EXPECT_EQ(decode_xtext(encoded), all);
  EXPECT_EQ(encode_xtext("ann+x=y@example.org"), "ann+2Bx+3Dy@example.org");
}

TEST(xtext, refuses_what_is_not_xtext) {
  for (const char* bad : {"+", "+4", "+4g", "+2b", "a b", "a=b", "\x7f", "\xc3\xa4", "+\r\n"}) {
    EXPECT_FALSE(decode_xtext(bad).has_value()) << bad;
  }
  EXPECT_EQ(decode_xtext("+41nn"), "Ann");
}

TEST(command_line, is_cut_at_the_first_space) {
  EXPECT_EQ(split_command("SIZE  12  ").verb, "SIZE");
  EXPECT_EQ(split_command("SIZE  12  ").argument, "12");
  EXPECT_EQ(split_command("DATA").argument, "");
  EXPECT_EQ(split_command("").verb, "");
  EXPECT_EQ(split_command(" SIZE 1").verb, "");
}

TEST(number, is_decimal_and_fits_64_bits) {
  EXPECT_EQ(*parse_number("0"), 0U);
  EXPECT_EQ(*parse_number("18446744073709551615"), ~std::uint64_t{0});
  for (const char* bad : {"", "-1", "+1", "1 ", "0x10", "1e3", "18446744073709551616", "1.5"}) {
    EXPECT_FALSE(parse_number(bad)) << bad;
  }
}

TEST(message_name, has_three_parts_or_is_its_own_key) {
  const auto name = parse_message_name("1700000000.0a1b.mx1.example.org");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->seconds, 1700000000U);
  EXPECT_EQ(name->key, "0a1b");
  EXPECT_EQ(name->origin, "mx1.example.org");
  for (const char* free : {"test1", "1700000000.only", "a.b.c", "01.k.o", "1..o", "1.k.",
                           "99999999999999999999.k.o", "-1.k.o"}) {
    const auto other = parse_message_name(free);
    ASSERT_TRUE(other) << free;
    EXPECT_EQ(other->key, free);
    EXPECT_EQ(to_string(*other), free);
  }
}

TEST(message_name, refuses_what_could_be_a_path) {
  for (const char* bad :
       {"", ".", "..", ".hidden", "a/b", "../x", "a b", "a,S=1", "a:2", "\xc3\xa4"}) {
    EXPECT_FALSE(parse_message_name(bad)) << bad;
  }
  EXPECT_TRUE(parse_message_name(std::string(128, 'a')));
  EXPECT_FALSE(parse_message_name(std::string(129, 'a')));
}

TEST(partition, is_one_plain_word) {
  EXPECT_EQ(*parse_partition("mail-1.a_B", defaults), "mail-1.a_B");
  for (const char* bad : {"", ".", "..", ".x", "a/b", "/srv/mail", "a b"}) {
    EXPECT_FALSE(parse_partition(bad, defaults)) << bad;
  }
  EXPECT_FALSE(parse_partition(std::string(65, 'a'), defaults));
}

TEST(sender, may_be_null_bare_or_in_brackets) {
  EXPECT_EQ(*parse_sender("<>", defaults), "");
  EXPECT_EQ(*parse_sender("<ann@example.org>", defaults), "ann@example.org");
  EXPECT_EQ(*parse_sender("ann@example.org", defaults), "ann@example.org");
  EXPECT_EQ(*parse_sender(R"(<"a > \" b"@example.org>)", defaults), R"("a > \" b"@example.org)");
  EXPECT_EQ(*parse_sender("<john doe@x>", defaults), "john doe@x");
}

TEST(sender, refuses_anything_else) {
  for (const char* bad : {"", "<", "<a", "a>", "<a>b", "<a> b", "<a<b>", "a b", "\"a b\"@x",
                          "<\"a>", "<\"a\\\">", "<> SIZE=1"}) {
    EXPECT_FALSE(parse_sender(bad, defaults)) << bad;
  }
  EXPECT_TRUE(parse_sender("<" + std::string(320, 'a') + ">", defaults));
  EXPECT_FALSE(parse_sender("<" + std::string(321, 'a') + ">", defaults));
}

TEST(recipient, takes_its_parameters_in_any_order) {
  const auto r = parse_recipient("<ann@x> quota=1000 EPOCH=7  ORIG=Ann+2Bnews@x", true, defaults);
  ASSERT_TRUE(r);
  EXPECT_EQ(r->mailbox, "ann@x");
  EXPECT_EQ(r->original, "Ann+news@x");
  EXPECT_EQ(r->epoch, 7U);
  EXPECT_EQ(r->quota_limit.octets, 1000U);
  EXPECT_EQ(parse_recipient("ann@x EPOCH=7", true, defaults)->epoch, 7U);
}

TEST(recipient, refuses_parameters_it_does_not_know) {
  for (const char* bad : {"<>", "", "<a> X=1", "<a> EPOCH", "<a> EPOCH=", "<a> EPOCH=x",
                          "<a> EPOCH=1 epoch=2", "<a> ORIG=", "<a> ORIG=a=b", "<a> ORIG=+0D+0A",
                          "<a> ORIG=+00", "<a>EPOCH=1", "<a> QUOTA=-1", "<a> QUOTA=1 x"}) {
    EXPECT_FALSE(parse_recipient(bad, true, defaults)) << bad;
  }
  EXPECT_FALSE(parse_recipient("<a> EPOCH=1", false, defaults));
  EXPECT_FALSE(parse_recipient("<a> ORIG=" + std::string(321, 'a'), true,
                               defaults)); // longer than an address
}

TEST(encoding, refuses_what_would_break_the_line) {
  for (const std::string& bad :
       {std::string("a\r\nRCPT <b>"), std::string("a\nb"), std::string("a\0b", 3),
        std::string("a> EPOCH=1"), std::string("a\"b"), std::string("a<b"), std::string("\x7f"),
        std::string(400, 'a')}) {
    EXPECT_FALSE(encode_sender(bad, defaults)) << bad;
    EXPECT_FALSE(encode_recipient({.mailbox = bad, .original = {}}, true, defaults)) << bad;
  }
  EXPECT_FALSE(encode_recipient({.mailbox = "", .original = {}}, true, defaults));
  EXPECT_FALSE(encode_partition("a b", defaults));
  EXPECT_FALSE(encode_name({.seconds = 1, .key = "a.b", .origin = "c\r\n"}, defaults));
  EXPECT_FALSE(encode_name({.seconds = 1, .key = "a", .origin = ""}, defaults));
}

TEST(encoding, leaves_out_an_original_that_cannot_travel) {
  const recipient long_one{.mailbox = std::string(300, 'm'), .original = std::string(300, '+')};
  const auto line = encode_recipient(long_one, true, defaults);
  ASSERT_TRUE(line);
  EXPECT_EQ(*line, "RCPT <" + long_one.mailbox + ">\r\n");
  const auto with_control = encode_recipient({.mailbox = "a", .original = "x\ny"}, true, defaults);
  EXPECT_EQ(*with_control, "RCPT <a>\r\n");
}

// Random values from an alphabet that is rich in what the grammar treats specially.
class random_values {
 public:
  std::string text(std::size_t longest) {
    static const std::string alphabet("abz09._-@+=<>\"\\ ,/[]%\r\n\0\x7f\xc3\xa4\xff", 27);
    std::string out;
    for (std::size_t n = below(longest + 1); n > 0; --n) {
      out += alphabet[below(alphabet.size())];
    }
    return out;
  }
  std::string word(std::size_t longest) {
    std::string out;
    for (std::size_t n = below(longest) + 1; n > 0; --n) {
      out += "abz09._-"[below(8)];
    }
    return out;
  }
  std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(engine_);
  }
  std::uint64_t number() { return engine_() >> below(64); }

 private:
  std::mt19937_64 engine_{20261120};
};

TEST(encoding, gives_back_every_value_or_refuses_it) {
  random_values random;
  std::size_t encoded = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::string sender = random.text(24);
    if (const auto line = encode_sender(sender, defaults)) {
      ++encoded;
      EXPECT_EQ(*parse_sender(argument_of(line), defaults), sender);
    }
    const message_name name{random.number(), random.word(6), random.word(6)};
    if (const auto line = encode_name(name, defaults)) {
      ++encoded;
      EXPECT_EQ(*parse_message_name(argument_of(line)), name);
    }
    const recipient who{random.text(12), random.text(12), random.number(), {random.number()}};
    if (const auto line = encode_recipient(who, true, defaults)) {
      ++encoded;
      const auto back = parse_recipient(argument_of(line), true, defaults);
      ASSERT_TRUE(back) << *line;
      EXPECT_EQ(back->mailbox, who.mailbox);
      EXPECT_EQ(back->epoch, who.epoch);
      EXPECT_EQ(back->quota_limit, who.quota_limit);
      EXPECT_TRUE(back->original == who.original || back->original.empty());
    }
  }
  EXPECT_GT(encoded, 5000U);
}

} // namespace
} // namespace homeward::store_protocol
