#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/directory/placement.hpp"

namespace homeward::directory {
namespace {

std::string deal(placement& p, int times) {
  std::string dealt;
  for (int i = 0; i < times; ++i) {
    dealt += p.next().value_or(partition_id{"", "-"}).directory;
  }
  return dealt;
}

candidate of(const char* name, std::uint32_t weight, std::int64_t credit = 0) {
  return {.id = {"s", name}, .weight = weight, .credit = credit};
}

TEST(placement, equal_weights_are_dealt_out_strictly_in_turn) {
  placement p({of("a", 1), of("b", 1), of("c", 1)});
  EXPECT_EQ(deal(p, 9), "abcabcabc");
  placement heavy({of("a", 7), of("b", 7)});
  EXPECT_EQ(deal(heavy, 6), "ababab");
}

TEST(placement, weights_are_honoured_and_spread) {
  placement p({of("a", 3), of("b", 1)});
  EXPECT_EQ(deal(p, 8), "aabaaaba");
}

TEST(placement, goes_on_where_it_stopped) {
  placement first({of("a", 1), of("b", 1), of("c", 1)});
  EXPECT_EQ(deal(first, 4), "abca");
  placement second(first.state());
  EXPECT_EQ(deal(second, 4), "bcab");
}

TEST(placement, every_weight_gets_its_share_exactly) {
  placement p({of("a", 5), of("b", 3), of("c", 2)});
  std::map<char, int> count;
  for (const char c : deal(p, 1000)) {
    ++count[c];
  }
  EXPECT_EQ(count['a'], 500);
  EXPECT_EQ(count['b'], 300);
  EXPECT_EQ(count['c'], 200);
}

TEST(placement, of_nothing_is_nothing) {
  placement p({});
  EXPECT_FALSE(p.next());
}

} // namespace
} // namespace homeward::directory
