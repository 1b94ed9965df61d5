#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "stored/delivery/identity_map.hpp"
#include "tests/unit/stored/manual_clock.hpp"

using namespace homeward;
using namespace homeward::stored;
using namespace std::chrono_literals;
using store_protocol::message_name;
using store_protocol::outcome;

namespace {

const message_name first_name{.seconds = 1700000000, .key = "k1", .origin = "mx1"};
const message_name later_name{.seconds = 1700000300, .key = "k1", .origin = "mx2"};
const identity ann = identity_of("k1", "ann@example.org");
const identity bob = identity_of("k1", "bob@example.org");

class identities : public testing::Test {
 protected:
  // A waiter that keeps what it is told.
  identity_waiter keep(std::vector<outcome>& into) {
    return [&into](const outcome& o) { into.push_back(o); };
  }
  claim_result ask(const identity& id, const message_name& name = first_name) {
    return map_.claim_or_join(id, name, keep(told_)).result;
  }

  test::manual_clock clock_;
  identity_map map_{clock_, {}};
  std::vector<outcome> told_;
};

} // namespace

TEST_F(identities, a_repeat_of_a_finished_delivery_is_known_under_its_first_name) {
  ASSERT_EQ(ask(ann), claim_result::mine);
  map_.done(ann, first_name);
  const claim repeat = map_.claim_or_join(ann, later_name, keep(told_));
  EXPECT_EQ(repeat.result, claim_result::known);
  EXPECT_EQ(repeat.name, "1700000000.k1.mx1");
  EXPECT_TRUE(told_.empty());
}

TEST_F(identities, another_mailbox_or_another_key_is_another_delivery) {
  ASSERT_EQ(ask(ann), claim_result::mine);
  map_.done(ann, first_name);
  EXPECT_EQ(ask(bob), claim_result::mine);
  EXPECT_EQ(ask(identity_of("k2", "ann@example.org")), claim_result::mine);
}

TEST_F(identities, a_repeat_in_progress_shares_the_success_as_a_repeat) {
  ASSERT_EQ(ask(ann), claim_result::mine);
  ASSERT_EQ(ask(ann, later_name), claim_result::joined);
  EXPECT_TRUE(told_.empty());
  map_.done(ann, first_name);
  ASSERT_EQ(told_.size(), 1U);
  ASSERT_TRUE(told_[0]);
  EXPECT_EQ(told_[0]->name, "1700000000.k1.mx1");
  EXPECT_TRUE(told_[0]->repeat);
}

TEST_F(identities, a_repeat_in_progress_shares_the_failure_and_the_next_may_try) {
  ASSERT_EQ(ask(ann), claim_result::mine);
  ASSERT_EQ(ask(ann, later_name), claim_result::joined);
  map_.failed(ann, transient_failure("disk fault"));
  ASSERT_EQ(told_.size(), 1U);
  ASSERT_FALSE(told_[0]);
  EXPECT_EQ(told_[0].error().what, "disk fault");
  EXPECT_EQ(ask(ann, later_name), claim_result::mine) << "a failure is not remembered";
}

TEST_F(identities, a_delivery_is_forgotten_after_seven_days) {
  ASSERT_EQ(ask(ann), claim_result::mine);
  map_.done(ann, first_name);
  clock_.advance(24h * 7 - 1s);
  EXPECT_EQ(ask(ann), claim_result::known);
  clock_.advance(1s);
  EXPECT_EQ(ask(ann), claim_result::mine);
}

TEST_F(identities, a_delivery_in_progress_does_not_age) {
  ASSERT_EQ(ask(ann), claim_result::mine);
  clock_.advance(24h * 30);
  EXPECT_EQ(ask(ann), claim_result::joined);
}

TEST_F(identities, only_so_many_wait_for_one_delivery) {
  ASSERT_EQ(ask(ann), claim_result::mine);
  for (std::size_t i = 0; i < max_identity_waiters; ++i) {
    ASSERT_EQ(ask(ann), claim_result::joined);
  }
  EXPECT_EQ(ask(ann), claim_result::crowded);
  map_.done(ann, first_name);
  EXPECT_EQ(told_.size(), max_identity_waiters);
}

TEST_F(identities, what_was_fed_at_start_is_known_for_the_rest_of_its_age) {
  map_.restore(ann, first_name, clock_.steady_now() - 24h * 6);
  EXPECT_EQ(ask(ann, later_name), claim_result::known);
  clock_.advance(24h);
  EXPECT_EQ(ask(ann, later_name), claim_result::mine);
}

TEST_F(identities, figures_count_both_kinds) {
  ASSERT_EQ(ask(ann), claim_result::mine);
  ASSERT_EQ(ask(bob), claim_result::mine);
  map_.done(bob, first_name);
  EXPECT_EQ(map_.figures().in_progress, 1U);
  EXPECT_EQ(map_.figures().remembered, 1U);
}

// A key of another form ("NAME test1") comes back as it was.
TEST_F(identities, a_name_of_another_form_keeps_its_form) {
  const message_name plain{.seconds = 0, .key = "test1", .origin = ""};
  const identity id = identity_of("test1", "ann@example.org");
  ASSERT_EQ(ask(id, plain), claim_result::mine);
  map_.done(id, plain);
  EXPECT_EQ(map_.claim_or_join(id, plain, keep(told_)).name, "test1");
}
