#include <memory>

#include <gtest/gtest.h>

#include "lib/fs/forgetting_file_system.hpp"

#include "stored/delivery/partition_keeper.hpp"
#include "tests/unit/stored/gated_file_system.hpp"
#include "tests/unit/stored/manual_clock.hpp"

using namespace homeward;
using namespace homeward::stored;
using namespace std::chrono_literals;

namespace {

class keeper_of_mail1 : public testing::Test {
 protected:
  void make_partition() {
    memory_.make_directories("/srv/mail1");
    ASSERT_TRUE(maildir::partition::initialise(memory_, "/srv/mail1", {.name = "mail1"}, {}));
  }
  // Gone as after an unmount: the directory is there, the identity is not.
  void take_identity_away() {
    const auto root = memory_.open_directory("/srv/mail1");
    ASSERT_TRUE(memory_.rename_at(*root, maildir::identity_file_name, *root, "away",
                                  fs::on_existing::refuse));
  }
  void bring_identity_back() {
    const auto root = memory_.open_directory("/srv/mail1");
    ASSERT_TRUE(memory_.rename_at(*root, "away", *root, maildir::identity_file_name,
                                  fs::on_existing::replace));
  }

  test::manual_clock clock_;
  fs::forgetting_file_system memory_;
  test::gated_file_system files_{memory_};
  partition_keeper keeper_{
      files_, clock_, {.name = "mail1", .path = "/srv/mail1", .filing = {}, .hangs_after = 30s}};
};

} // namespace

TEST_F(keeper_of_mail1, is_closed_until_the_first_look) {
  make_partition();
  EXPECT_FALSE(keeper_.current());
  EXPECT_EQ(keeper_.space().total.octets, 0U);
  keeper_.look();
  ASSERT_TRUE(keeper_.current());
  EXPECT_EQ((*keeper_.current())->where.name(), "mail1");
  EXPECT_GT(keeper_.space().total.octets, 0U);
}

TEST_F(keeper_of_mail1, opens_a_partition_that_appears_later) {
  keeper_.look();
  ASSERT_FALSE(keeper_.current());
  EXPECT_EQ(keeper_.current().error().kind, failure_kind::transient);
  make_partition();
  keeper_.look();
  EXPECT_TRUE(keeper_.current());
}

TEST_F(keeper_of_mail1, closes_a_partition_that_is_gone_and_opens_it_when_it_is_back) {
  make_partition();
  keeper_.look();
  const auto before = keeper_.current();
  ASSERT_TRUE(before);
  take_identity_away();
  keeper_.look();
  ASSERT_FALSE(keeper_.current());
  EXPECT_EQ(keeper_.current().error().reason, failure_reason::no_partition);
  EXPECT_EQ(keeper_.space().total.octets, 0U);
  bring_identity_back();
  keeper_.look();
  EXPECT_TRUE(keeper_.current());
}

TEST_F(keeper_of_mail1, refuses_another_partition_of_the_same_name) {
  make_partition();
  keeper_.look();
  take_identity_away();
  ASSERT_TRUE(maildir::partition::initialise(memory_, "/srv/mail1",
                                             {.name = "mail1", .adopt_existing = true}, {}));
  keeper_.look();
  ASSERT_FALSE(keeper_.current());
  EXPECT_EQ(keeper_.current().error().what, "partition mail1 is not the one it was");
  bring_identity_back();
  keeper_.look();
  EXPECT_TRUE(keeper_.current());
}

TEST_F(keeper_of_mail1, closes_a_partition_that_turned_read_only) {
  make_partition();
  keeper_.look();
  memory_.set_read_only(true);
  keeper_.look();
  ASSERT_FALSE(keeper_.current());
  memory_.set_read_only(false);
  keeper_.look();
  EXPECT_TRUE(keeper_.current());
}

TEST_F(keeper_of_mail1, keeps_the_same_partition_while_all_is_well) {
  make_partition();
  keeper_.look();
  const auto first = *keeper_.current();
  keeper_.look();
  EXPECT_EQ(*keeper_.current(), first);
}

TEST_F(keeper_of_mail1, says_that_it_hangs_while_a_look_does_not_end) {
  make_partition();
  keeper_.start(1h);
  ASSERT_TRUE(keeper_.wait_for_first_look(60s));
  files_.hang();
  keeper_.set_interval(2h); // looks again now
  files_.wait_for_waiters(1);
  EXPECT_TRUE(keeper_.current()) << "a slow look is no fault yet";
  clock_.advance(31s);
  ASSERT_FALSE(keeper_.current());
  EXPECT_EQ(keeper_.current().error().what, "partition mail1 does not answer");
  files_.open();
  EXPECT_TRUE(keeper_.stop(60s));
}

TEST_F(keeper_of_mail1, stops_at_once_between_two_looks) {
  make_partition();
  keeper_.start(1h);
  ASSERT_TRUE(keeper_.wait_for_first_look(60s));
  EXPECT_TRUE(keeper_.stop(60s));
}

// What the thread uses is never destroyed, as in a process that ends meanwhile.
TEST(partition_keeper, does_not_wait_for_a_look_that_hangs) {
  struct world {
    test::manual_clock clock;
    fs::forgetting_file_system memory;
    test::gated_file_system files{memory};
  };
  static auto* const w = new world;
  w->files.hang();
  {
    partition_keeper keeper(w->files, w->clock, {.name = "mail1", .path = "/srv/mail1"});
    keeper.start(1h);
    w->files.wait_for_waiters(1);
    EXPECT_FALSE(keeper.wait_for_first_look(1ms));
    EXPECT_FALSE(keeper.stop(1ms));
  }
}
