#include <memory>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "stored/delivery/pending_delivery.hpp"

using namespace homeward;
using namespace homeward::stored;
using store_protocol::outcome;
using store_protocol::stored_as;

namespace {

struct answer {
  int calls = 0;
  std::vector<outcome> outcomes;
  delivery_completion completion() {
    return [this](std::vector<outcome> o) {
      ++calls;
      outcomes = std::move(o);
    };
  }
};

outcome safe(const char* name) {
  return stored_as{.name = name};
}

} // namespace

TEST(pending_delivery, answers_once_all_are_known_in_the_order_of_the_envelope) {
  answer a;
  pending_delivery pending(3, a.completion());
  EXPECT_TRUE(pending.settle(2, safe("c")));
  EXPECT_TRUE(pending.settle(0, safe("a")));
  EXPECT_EQ(a.calls, 0);
  EXPECT_TRUE(pending.settle(1, transient_failure("b")));
  ASSERT_EQ(a.calls, 1);
  EXPECT_EQ(a.outcomes[0]->name, "a");
  EXPECT_EQ(a.outcomes[1].error().what, "b");
  EXPECT_EQ(a.outcomes[2]->name, "c");
}

TEST(pending_delivery, the_first_outcome_stands) {
  answer a;
  pending_delivery pending(1, a.completion());
  EXPECT_TRUE(pending.settle(0, safe("a")));
  EXPECT_FALSE(pending.settle(0, transient_failure("late")));
  EXPECT_EQ(a.calls, 1);
  EXPECT_TRUE(a.outcomes[0]);
}

TEST(pending_delivery, giving_up_answers_only_those_that_are_open) {
  answer a;
  pending_delivery pending(2, a.completion());
  pending.settle(1, safe("b"));
  pending.give_up(transient_failure("too long"));
  ASSERT_EQ(a.calls, 1);
  EXPECT_EQ(a.outcomes[0].error().what, "too long");
  EXPECT_TRUE(a.outcomes[1]);
  EXPECT_FALSE(pending.settle(0, safe("a"))) << "nobody is told two things";
  pending.give_up(transient_failure("again"));
  EXPECT_EQ(a.calls, 1);
}

TEST(pending_delivery, lets_go_of_the_client_with_the_answer) {
  auto client = std::make_shared<int>(0);
  const std::weak_ptr<int> known = client;
  pending_delivery pending(1, [client](const std::vector<outcome>&) {});
  client.reset();
  EXPECT_FALSE(known.expired());
  pending.give_up(transient_failure("too long"));
  EXPECT_TRUE(known.expired());
}
