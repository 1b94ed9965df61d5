#include <gtest/gtest.h>

#include "lib/config/nearest.hpp"
#include "lib/config/value.hpp"

namespace homeward::config {
namespace {

using namespace std::chrono_literals;

TEST(parse_duration, reads_units_and_sums) {
  EXPECT_EQ(parse_duration("30s"), 30s);
  EXPECT_EQ(parse_duration("500ms"), 500ms);
  EXPECT_EQ(parse_duration("5 m"), 5min);
  EXPECT_EQ(parse_duration("1h30m"), 90min);
  EXPECT_EQ(parse_duration("1d 12h"), 36h);
  EXPECT_EQ(parse_duration("2w"), 14 * 24h);
  EXPECT_EQ(parse_duration("0"), 0s);
}

TEST(parse_duration, refuses_what_has_no_unit_or_does_not_fit) {
  for (const char* text : {"", "30", "5 minuts", "-5s", "1.5s", "s", "5s x",
                           "99999999999999999999s", "9000000w", "5S"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(print_duration, uses_the_largest_unit_that_divides) {
  EXPECT_EQ(print_duration(90s), "90s");
  EXPECT_EQ(print_duration(5min), "5m");
  EXPECT_EQ(print_duration(48h), "2d");
  EXPECT_EQ(print_duration(0s), "0s");
  EXPECT_EQ(print_duration(1500us), "1500us");
}

TEST(parse_size, reads_binary_units_only) {
  EXPECT_EQ(parse_size("64 MiB"), 64U << 20U);
  EXPECT_EQ(parse_size("17KiB"), 17U << 10U);
  EXPECT_EQ(parse_size("512"), 512U);
  EXPECT_EQ(parse_size("512 B"), 512U);
  for (const char* text : {"", "64 MB", "64M", "MiB", "-1", "1.5 GiB", "20000000 TiB"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(print_text, quotes_what_yaml_would_take_for_something_else) {
  EXPECT_EQ(print_text("/srv/mail"), "/srv/mail");
  EXPECT_EQ(print_text("127.0.0.1:24"), "127.0.0.1:24");
  EXPECT_EQ(print_text(""), "\"\"");
  EXPECT_EQ(print_text("yes"), "\"yes\"");
  EXPECT_EQ(print_text("a: b"), "\"a: b\"");
  EXPECT_EQ(print_text("say \"hi\"\n"), "\"say \\\"hi\\\"\\x0a\"");
}

TEST(nearest_name, finds_slips_of_the_finger) {
  const std::vector<std::string> names = {"listen", "idle_timeout", "memory"};
  EXPECT_EQ(nearest_name("lsiten", names), "listen");
  EXPECT_EQ(nearest_name("idle-timeout", names), "idle_timeout");
  EXPECT_EQ(nearest_name("quota", names), "");
  EXPECT_EQ(nearest_name("", names), "");
}

} // namespace
} // namespace homeward::config
