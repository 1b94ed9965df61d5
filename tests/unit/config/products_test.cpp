#include <cstdio>
#include <fstream>
#include <regex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/example_table.hpp"

namespace homeward::config {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::make_table;
using testing::recipe;
using testing::settings;

settings parsed(const std::string& text) {
  auto result = make_table().parse_text(text, "x.yaml");
  EXPECT_TRUE(result.has_value()) << to_string(result.error());
  return result.has_value() ? *result : settings{};
}

TEST(parse_text, empty_file_means_all_defaults) {
  EXPECT_EQ(make_table().print(parsed("")), make_table().print(settings{}));
  EXPECT_EQ(make_table().print(parsed("# nothing\nlmtp:\n")), make_table().print(settings{}));
}

TEST(parse_text, every_kind_of_value) {
  const settings s = parsed("lmtp:\n"
                            "  listen: inet:127.0.0.1:24\n"
                            "  idle_timeout: 1m30s\n"
                            "  poll: 20ms\n"
                            "  limits: {memory: 2 MiB}\n"
                            "filing:\n"
                            "  recipe: strict\n"
                            "verbose: on\n"
                            "offset: -7\n"
                            "port: 2424\n"
                            "peers: [10.0.0.1, \"::1\"]\n"
                            "shelves:\n"
                            "  - name: mail1\n"
                            "    path: /srv/mail 1\n"
                            "    weight: 5\n"
                            "    owners:\n"
                            "      - ann\n"
                            "  - {name: \"007\", path: /b}\n"
                            "directory: {refresh: 7s}\n");
  EXPECT_EQ(s.listen, "inet:127.0.0.1:24");
  EXPECT_EQ(s.idle_timeout, 90s);
  EXPECT_EQ(s.poll, 20ms);
  EXPECT_EQ(s.memory_limit, 2_MiB);
  EXPECT_EQ(s.filing, recipe::strict);
  EXPECT_TRUE(s.verbose);
  EXPECT_EQ(s.offset, -7);
  EXPECT_EQ(s.port, 2424);
  EXPECT_THAT(s.peers, ::testing::ElementsAre("10.0.0.1", "::1"));
  ASSERT_EQ(s.shelves.size(), 2U);
  EXPECT_EQ(s.shelves[0].path, "/srv/mail 1");
  EXPECT_EQ(s.shelves[0].weight, 5U);
  EXPECT_THAT(s.shelves[0].owners, ::testing::ElementsAre("ann"));
  EXPECT_EQ(s.shelves[1].name, "007");
  EXPECT_EQ(s.directory.refresh, 7s);
}

TEST(parse_part, reads_one_part_of_another_programs_file) {
  const std::string file = ::testing::TempDir() + "homeward_parse_part.yaml";
  std::ofstream(file) << "unknown: [1]\ndirectory:\n  refresh: 9s\n";
  EXPECT_EQ(testing::listing_table().parse_part(file, "directory")->refresh, 9s);
  EXPECT_EQ(testing::listing_table().parse_part(file, "nothing")->refresh, 5s);
  std::ofstream(file) << "directory:\n  refesh: 9s\n";
  EXPECT_EQ(to_string(testing::listing_table().parse_part(file, "directory").error()),
            file + ":2: directory.refesh: is not a known setting; did you mean refresh?\n");
  (void)std::remove(file.c_str());
}

TEST(print, reads_back_as_the_same_settings) {
  settings s;
  s.listen = "unix:/run/a b: c";
  s.idle_timeout = 61s;
  s.filing = recipe::strict;
  s.peers = {};
  s.shelves = {{.name = "a", .path = "/a", .weight = 2, .owners = {"x, y", "null"}},
               {.name = "b", .path = "/b"}};
  const std::string text = make_table().print(s);
  EXPECT_EQ(make_table().print(parsed(text)), text);
  EXPECT_THAT(text, HasSubstr("shelves:\n  - name: a\n    path: /a\n    weight: 2\n"));
  EXPECT_EQ(parsed(text).shelves[0].owners, s.shelves[0].owners);
}

TEST(example_file, is_a_settings_file_that_means_the_defaults) {
  const std::string example = make_table().example_file();
  EXPECT_EQ(make_table().print(parsed(example)), make_table().print(settings{}));
}

TEST(example_file, can_be_uncommented_line_by_line) {
  const std::string example = make_table().example_file();
  // A setting is "#key: value"; a comment has a space after its #; the lines of a record have two.
  const std::regex setting("\n( *)#(?=[a-z])");
  const std::regex record("\n#(?=  - |    path)");
  const std::string all =
      std::regex_replace(std::regex_replace(example, setting, "\n$1"), record, "\n");
  const settings s = parsed(all);
  EXPECT_EQ(s.listen, "inet:127.0.0.1:24");
  ASSERT_EQ(s.shelves.size(), 1U);
  EXPECT_EQ(s.shelves[0].path, "/srv/mail1");
}

TEST(example_file, documents_every_key) {
  const std::string example = make_table().example_file();
  EXPECT_THAT(
      example,
      HasSubstr("# How MTAs hand mail over.\n# One paragraph.\n#\n# And another.\nlmtp:\n"));
  EXPECT_THAT(example, HasSubstr("  # After this time without a command a session is closed.\n"
                                 "  # (duration, 1s to 1h; default 5m; SIGHUP is enough)\n"
                                 "  #idle_timeout: 5m\n"));
  EXPECT_THAT(example, HasSubstr("#   weight (whole number, 1 to 100; default 1): Its share.\n"));
  EXPECT_THAT(example, HasSubstr("#shelves:\n#  - name: mail1\n#    path: /srv/mail1\n"));
}

TEST(manual_section, has_every_key_and_no_accidental_request) {
  const std::string manual = make_table().manual_section();
  EXPECT_THAT(manual, HasSubstr(".SS \"How MTAs hand mail over\"\n"));
  EXPECT_THAT(manual, HasSubstr("\\fBlmtp.idle_timeout\\fR (duration, 1s to 1h; default 5m)"));
  EXPECT_THAT(manual, HasSubstr("A change takes effect on SIGHUP."));
  EXPECT_THAT(manual, HasSubstr("\\fBpath\\fR (text; must be given)"));
}

TEST(needs_restart, names_only_static_settings) {
  const settings running;
  settings next = running;
  next.idle_timeout = 9s;
  next.verbose = true;
  EXPECT_TRUE(make_table().needs_restart(running, next).empty());
  next.listen = "unix:/x";
  next.shelves.push_back({.name = "a", .path = "/a"});
  EXPECT_THAT(make_table().needs_restart(running, next),
              ::testing::ElementsAre("lmtp.listen is unix:/run/homeward/lmtp and the file now says "
                                     "unix:/x: this needs a restart",
                                     "shelves has changed: this needs a restart"));
}

} // namespace
} // namespace homeward::config
