#include <gtest/gtest.h>

#include "lib/store_client/breaker.hpp"

using homeward::store_client::breaker;
using namespace std::chrono_literals;

TEST(breaker, opens_after_some_faults_in_a_row_and_says_so_once) {
  breaker b;
  EXPECT_FALSE(b.failed());
  EXPECT_FALSE(b.failed());
  EXPECT_FALSE(b.is_open());
  EXPECT_TRUE(b.failed());
  EXPECT_TRUE(b.is_open());
  EXPECT_FALSE(b.failed());
}

TEST(breaker, a_success_in_between_starts_the_count_again) {
  breaker b;
  EXPECT_FALSE(b.failed());
  EXPECT_FALSE(b.failed());
  b.succeeded();
  EXPECT_FALSE(b.failed());
  EXPECT_FALSE(b.failed());
  EXPECT_FALSE(b.is_open());
}

TEST(breaker, a_success_closes_it) {
  breaker b({.faults_to_open = 1});
  EXPECT_TRUE(b.failed());
  b.succeeded();
  EXPECT_FALSE(b.is_open());
  EXPECT_TRUE(b.failed());
}

TEST(breaker, probe_delays_double_up_to_a_limit_and_are_jittered) {
  breaker b({.faults_to_open = 1, .first_delay = 1000ms, .longest_delay = 3000ms});
  EXPECT_TRUE(b.failed());
  EXPECT_EQ(b.next_probe_delay(0.0), 500ms);
  EXPECT_EQ(b.next_probe_delay(1.0), 2000ms);
  EXPECT_EQ(b.next_probe_delay(0.5), 2250ms);
  EXPECT_EQ(b.next_probe_delay(1.0), 3000ms);
}

TEST(breaker, delays_start_small_again_after_a_success) {
  breaker b({.faults_to_open = 1});
  EXPECT_TRUE(b.failed());
  (void)b.next_probe_delay(1.0);
  (void)b.next_probe_delay(1.0);
  b.succeeded();
  EXPECT_TRUE(b.failed());
  EXPECT_EQ(b.next_probe_delay(1.0), 1000ms);
}
