#include <gtest/gtest.h>

#include "lib/net/transfer_pace.hpp"

using namespace homeward;
using namespace std::chrono_literals;

namespace {
const steady_time begin{1h};
constexpr byte_count rate{500};
} // namespace

TEST(transfer_pace, gives_the_whole_block_at_first) {
  net::transfer_pace pace;
  EXPECT_EQ(pace.limit(begin, 60s, rate), 60s);
}

TEST(transfer_pace, a_sender_that_trickles_runs_out_of_time) {
  net::transfer_pace pace;
  (void)pace.limit(begin, 60s, rate);
  pace.count(500);
  EXPECT_EQ(pace.limit(begin + 50s, 60s, rate), 11s);
  EXPECT_EQ(pace.limit(begin + 70s, 60s, rate), 1ns);
}

TEST(transfer_pace, a_sender_that_keeps_the_rate_never_does) {
  net::transfer_pace pace;
  (void)pace.limit(begin, 60s, rate);
  for (int i = 1; i <= 1000; ++i) {
    pace.count(500);
    EXPECT_EQ(pace.limit(begin + std::chrono::seconds(i), 60s, rate), 60s);
  }
}

TEST(transfer_pace, starts_again_with_the_next_message) {
  net::transfer_pace pace;
  (void)pace.limit(begin, 60s, rate);
  pace.reset();
  EXPECT_EQ(pace.limit(begin + 1h, 60s, rate), 60s);
}

TEST(transfer_pace, no_rate_asks_for_nothing) {
  net::transfer_pace pace;
  (void)pace.limit(begin, 60s, 0_B);
  EXPECT_EQ(pace.limit(begin + 1h, 60s, 0_B), 60s);
}
