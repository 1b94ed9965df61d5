#include <fstream>
#include <random>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "lib/maildir/path_template.hpp"

namespace homeward::maildir {
namespace {

std::string path_of(std::string_view mailbox) {
  const auto path = path_template().expand(mailbox);
  return path ? *path : "(" + path.error().what + ")";
}

// The format document promises its examples.
TEST(path_template, gives_the_paths_of_the_format_document) {
  std::ifstream document(HOMEWARD_SOURCE_DIR "/docs/format/partition.md");
  ASSERT_TRUE(document);
  std::string line;
  bool in_examples = false;
  int examples = 0;
  while (std::getline(document, line)) {
    if (line.find("Examples with the default template") != std::string::npos) {
      in_examples = true;
    } else if (in_examples && line.starts_with("| `")) {
      const std::size_t middle = line.find("` | `");
      ASSERT_NE(middle, std::string::npos) << line;
      const std::string mailbox = line.substr(3, middle - 3);
      const std::string path = line.substr(middle + 5, line.rfind("` |") - middle - 5);
      EXPECT_EQ(path_of(mailbox), path);
      ++examples;
    } else if (in_examples && line.starts_with("Nothing in a partition")) {
      break;
    }
  }
  EXPECT_GE(examples, 13);
}

TEST(path_template, fills_all_placeholders) {
  const auto spread = path_template::parse("{domain}/{hash}/{local}/Maildir");
  ASSERT_TRUE(spread);
  // printf ann@example.org | sha256sum
  EXPECT_EQ(spread->expand("ann@example.org").value(), "example.org/43/ann/Maildir");
  EXPECT_EQ(path_template::parse("u-{local}.d").value().expand("ann@x").value(), "u-ann.d");
  EXPECT_EQ(spread->text(), "{domain}/{hash}/{local}/Maildir");
}

TEST(path_template, refuses_what_could_leave_or_collide) {
  for (const std::string_view bad :
       {"",           "/",           "/{local}",   "{local}/",         "a//{local}",
        "../{local}", "{local}/..",  "./{local}",  ".x/{local}",       "{local}/.Maildir",
        "{domain}",   "Maildir",     "{user}",     "{local",           "{LOCAL}",
        "{local}}",   "a b/{local}", "a%/{local}", "{local}/\xC3\xBC", "{local}\n"}) {
    const auto parsed = path_template::parse(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().kind, failure_kind::transient) << bad;
    EXPECT_FALSE(parsed.error().advice.empty()) << bad;
  }
  EXPECT_FALSE(path_template::parse(std::string(256, 'a') + "/{local}"));
}

TEST(path_template, refuses_mailboxes_that_cannot_be_a_path) {
  const auto none = path_template().expand("");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().reason, failure_reason::perm);
  EXPECT_EQ(none.error().kind, failure_kind::permanent);
  EXPECT_FALSE(path_template().expand("@example.org"));
  EXPECT_FALSE(path_template().expand("ann@"));
  EXPECT_TRUE(path_template().expand(std::string(255, 'a') + "@x"));
  EXPECT_FALSE(path_template().expand(std::string(256, 'a') + "@x"));
  EXPECT_FALSE(path_template().expand(std::string(86, 'A') + "@x")) << "258 octets when encoded";
  EXPECT_FALSE(path_template().expand("ann@" + std::string(256, 'd')));
}

TEST(encode_component, keeps_visible_letters_and_shows_the_rest) {
  EXPECT_EQ(encode_component("az09._+=-"), "az09._+=-");
  EXPECT_EQ(encode_component(std::string("\0\n\x7F", 3)), "%00%0A%7F");
  EXPECT_EQ(encode_component("\xC3\xA9\xE4\xBD\xA0\xF0\x90\x8D\x88"),
            "\xC3\xA9\xE4\xBD\xA0\xF0\x90\x8D\x88");
  EXPECT_EQ(encode_component("\xE2\x80\xAE"), "%E2%80%AE") << "right-to-left override";
  EXPECT_EQ(encode_component("\xE2\x80\x8B"), "%E2%80%8B") << "zero width space";
  EXPECT_EQ(encode_component("\xEF\xBB\xBF"), "%EF%BB%BF") << "byte order mark";
  EXPECT_EQ(encode_component("\xC0\xAF"), "%C0%AF") << "overlong slash";
  EXPECT_EQ(encode_component("\xE0\x80\xAF"), "%E0%80%AF") << "overlong slash";
  EXPECT_EQ(encode_component("\xED\xA0\x80"), "%ED%A0%80") << "surrogate";
  EXPECT_EQ(encode_component("\xC3"), "%C3") << "cut off";
  EXPECT_EQ(encode_component("\xF4\x90\x80\x80"), "%F4%90%80%80") << "beyond Unicode";
}

// What must hold for any octets whatever: injective, harmless, decodable.
TEST(encode_component, is_injective_and_harmless_for_random_octets) {
  std::mt19937 chance(7);
  const std::string_view nasty = "./%\\aA0@ \n\r\t\xC3\xA9\xE2\x80\xAE\xFF";
  std::set<std::string> inputs;
  std::set<std::string> outputs;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (std::size_t n = 1 + chance() % 6; n > 0; --n) {
      text += chance() % 3 == 0 ? static_cast<char>(chance()) : nasty[chance() % nasty.size()];
    }
    const std::string encoded = encode_component(text);
    if (inputs.insert(text).second) {
      EXPECT_TRUE(outputs.insert(encoded).second) << encoded;
    }
    EXPECT_NE(encoded.front(), '.');
    EXPECT_EQ(encoded.find('/'), std::string::npos);
    EXPECT_EQ(encoded.find('\0'), std::string::npos);
    for (const char c : encoded) {
      EXPECT_TRUE(static_cast<unsigned char>(c) > ' ' && c != '\x7F');
    }
  }
}

} // namespace
} // namespace homeward::maildir
