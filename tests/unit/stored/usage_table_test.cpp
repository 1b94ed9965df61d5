#include <map>
#include <random>

#include <gtest/gtest.h>

#include "stored/quota/usage_table.hpp"

using namespace homeward;
using namespace homeward::stored;
using namespace std::chrono_literals;

namespace {

constexpr mailbox_key ann{"mail1", "ann@x"};

class usage_table_test : public testing::Test {
 protected:
  room_answer ask(std::uint64_t size, const std::string& name = "m", bool last = false,
                  mailbox_key key = ann) {
    return table.ask({key, name, limit, size, now}, last, now);
  }
  // Whether the message has room; then it is filed.
  bool deliver(std::uint64_t size, mailbox_key key = ann) {
    const bool granted = ask(size, "m", false, key).is == room::granted;
    if (granted) {
      table.settle(key, "m", size);
    }
    return granted;
  }
  void count(std::uint64_t octets, std::uint64_t messages = 1, mailbox_key key = ann) {
    ASSERT_TRUE(table.count_started(key));
    table.count_finished(key, mailbox_content{octets, messages}, now, now);
  }
  std::uint64_t held(mailbox_key key = ann) { return table.known(key)->octets; }

  steady_time now{1000h};
  std::uint64_t limit = 1000;
  usage_table table{{}};
};

} // namespace

TEST_F(usage_table_test, the_first_use_is_counted_first) {
  EXPECT_EQ(ask(1).is, room::count_first);
  EXPECT_FALSE(table.known(ann));
  count(700);
  EXPECT_TRUE(deliver(300)) << "exactly full is not over";
  EXPECT_EQ(held(), 1000U);
  EXPECT_EQ(table.known(ann)->messages, 2U);
  EXPECT_EQ(ask(1).is, room::over);
  EXPECT_EQ(ask(1).held, 1000U);
}

TEST_F(usage_table_test, a_message_larger_than_the_limit_does_not_fit_an_empty_mailbox) {
  count(0, 0);
  EXPECT_EQ(ask(1001).is, room::over);
  EXPECT_TRUE(deliver(1000));
}

TEST_F(usage_table_test, nobody_is_refused_by_an_old_figure) {
  count(1000);
  now += usage_table::least_age - 1ms;
  EXPECT_EQ(ask(1).is, room::over) << "counted a moment ago";
  now += 1ms;
  EXPECT_EQ(ask(1).is, room::count_first);
  count(1000);
  EXPECT_EQ(ask(1).is, room::over);
}

TEST_F(usage_table_test, the_count_that_was_asked_for_decides_also_when_it_came_late) {
  count(1000);
  now += 1h;
  const wanted_room wanted{ann, "m", limit, 1, now};
  EXPECT_EQ(table.ask(wanted, false, now).is, room::count_first);
  count(1000);
  now += 5s; // others had to be counted too
  EXPECT_EQ(table.ask(wanted, true, now).is, room::over);
}

TEST_F(usage_table_test, without_a_figure_the_last_word_is_yes) {
  EXPECT_EQ(ask(1, "a", true).is, room::granted);
  count(1000);
  now += 1h;
  EXPECT_EQ(ask(1, "b", true).is, room::granted) << "the count did not come in time";
}

TEST_F(usage_table_test, what_is_under_way_keeps_its_room) {
  count(0, 0);
  EXPECT_EQ(ask(600, "a").is, room::granted);
  EXPECT_EQ(ask(600, "b").is, room::taken) << "if a fails b would have had room";
  EXPECT_EQ(ask(1001, "c").is, room::over);
  EXPECT_EQ(ask(400, "d").is, room::granted);
  table.settle(ann, "a", std::nullopt);
  EXPECT_EQ(ask(600, "b").is, room::granted);
  table.settle(ann, "b", 590);
  table.settle(ann, "d", 395);
  table.settle(ann, "d", 395); // once
  EXPECT_EQ(held(), 985U);
  EXPECT_EQ(ask(15, "e").is, room::granted);
}

TEST_F(usage_table_test, an_old_figure_is_refreshed_when_it_is_used) {
  count(10);
  EXPECT_FALSE(ask(1, "a").refresh);
  now += 60s;
  EXPECT_TRUE(ask(1, "b").refresh);
  ASSERT_TRUE(table.count_started(ann));
  EXPECT_FALSE(ask(1, "c").refresh) << "it is being counted";
  EXPECT_FALSE(table.count_started(ann));
  table.count_given_up(ann);
  EXPECT_TRUE(ask(1, "d").refresh);
  EXPECT_EQ(held(), 10U);
}

TEST_F(usage_table_test, counting_a_large_mailbox_is_not_done_again_and_again) {
  ASSERT_TRUE(table.count_started(ann));
  table.count_finished(ann, mailbox_content{1000, 1}, now, now + 2s);
  now += 20s - 1ms;
  EXPECT_EQ(ask(1).is, room::over);
  now += 1ms;
  EXPECT_EQ(ask(1).is, room::count_first);
}

TEST_F(usage_table_test, what_cannot_be_counted_refuses_nobody) {
  ASSERT_TRUE(table.count_started(ann));
  EXPECT_TRUE(table.count_finished(ann, std::nullopt, now, now)) << "the first time is news";
  EXPECT_EQ(ask(5000, "a").is, room::granted);
  EXPECT_FALSE(ask(1, "b").refresh);
  now += 60s;
  EXPECT_EQ(ask(1, "c").is, room::count_first) << "tried again after a while";
  ASSERT_TRUE(table.count_started(ann));
  EXPECT_FALSE(table.count_finished(ann, std::nullopt, now, now)) << "no news";
  count(1000);
  EXPECT_EQ(ask(1, "d").is, room::over);
  ASSERT_TRUE(table.count_started(ann));
  EXPECT_TRUE(table.count_finished(ann, std::nullopt, now, now)) << "news again";
}

TEST_F(usage_table_test, a_count_leaves_out_what_was_under_way_and_adds_it_itself) {
  count(0, 0);
  ASSERT_EQ(ask(100, "before").is, room::granted);
  ASSERT_TRUE(table.count_started(ann));
  ASSERT_EQ(ask(10, "meanwhile").is, room::granted);
  ASSERT_EQ(ask(1, "fails").is, room::granted);
  table.settle(ann, "before", 90);
  table.settle(ann, "fails", std::nullopt);
  const std::unordered_set<std::string> expected{"before", "meanwhile", "fails"};
  EXPECT_EQ(table.under_way(ann), expected);
  table.count_finished(ann, mailbox_content{500, 5}, now, now);
  EXPECT_EQ(held(), 590U);
  table.settle(ann, "meanwhile", 10);
  EXPECT_EQ(held(), 600U);
  EXPECT_EQ(table.known(ann)->messages, 7U);
}

TEST_F(usage_table_test, without_enforcement_everybody_is_let_in_and_counted) {
  table.set_limits({.enforce = false});
  const room_answer first = ask(5000, "a");
  EXPECT_EQ(first.is, room::granted);
  EXPECT_TRUE(first.refresh);
  count(5000);
  EXPECT_EQ(ask(5000, "b").is, room::granted);
  EXPECT_EQ(table.nearly_full("mail1", 10, now).size(), 1U);
}

TEST_F(usage_table_test, tells_the_nearly_full_ones_of_a_partition_the_fullest_first) {
  const auto fill = [&](std::string_view partition, const std::string& mailbox,
                        std::uint64_t octets) {
    const mailbox_key key{partition, mailbox};
    static_cast<void>(ask(0, "m", true, key));
    table.settle(key, "m", std::nullopt);
    count(octets, 1, key);
  };
  fill("mail1", "a@x", 899);
  fill("mail1", "b@x", 900);
  fill("mail1", "c@x", 2000);
  fill("mail", "d@x", 950);
  fill("mail11", "e@x", 950);
  now += 7s;
  const auto full = table.nearly_full("mail1", 10, now);
  ASSERT_EQ(full.size(), 2U);
  EXPECT_EQ(full[0].mailbox, "c@x");
  EXPECT_EQ(full[1].mailbox, "b@x");
  EXPECT_EQ(full[1].used.octets, 900U);
  EXPECT_EQ(full[1].limit.octets, 1000U);
  EXPECT_EQ(full[1].age, 7s);
  EXPECT_EQ(full[1].partition, "mail1");
  ASSERT_EQ(table.nearly_full("mail1", 1, now).size(), 1U);
  EXPECT_EQ(table.nearly_full("mail1", 1, now)[0].mailbox, "c@x");
  EXPECT_TRUE(table.old_figures("mail1", 10, now).empty());
  now += 60s;
  count(1900, 1, {"mail1", "c@x"});
  EXPECT_EQ(table.old_figures("mail1", 10, now), std::vector<std::string>{"b@x"});
  count(10, 1, {"mail1", "c@x"});
  EXPECT_EQ(table.nearly_full("mail1", 10, now).size(), 1U) << "made room";
  limit = 5000;
  static_cast<void>(ask(0, "m", true, {"mail1", "b@x"}));
  EXPECT_TRUE(table.nearly_full("mail1", 10, now).empty()) << "a higher limit came";
}

TEST_F(usage_table_test, forgets_the_least_recently_used_but_never_one_that_is_busy) {
  table.set_limits({.mailboxes = 100});
  ASSERT_EQ(ask(1, "stays", true, {"mail1", "busy@x"}).is, room::granted);
  ASSERT_TRUE(table.count_started({"mail1", "counted@x"}));
  for (int i = 0; i < 1000; ++i) {
    const std::string mailbox = "u" + std::to_string(i) + "@x";
    count(990, 1, {"mail1", mailbox});
    static_cast<void>(ask(1, "m", true, {"mail1", mailbox}));
    table.settle({"mail1", mailbox}, "m", 1);
  }
  EXPECT_LE(table.size(), 100U);
  EXPECT_EQ(table.nearly_full(), table.nearly_full("mail1", 10'000, now).size());
  EXPECT_LE(table.nearly_full(), 100U);
  EXPECT_EQ(table.under_way({"mail1", "busy@x"}).size(), 1U);
  EXPECT_FALSE(table.count_started({"mail1", "counted@x"})) << "still being counted";
  EXPECT_TRUE(table.known({"mail1", "u999@x"}));
  EXPECT_FALSE(table.known({"mail1", "u0@x"}));
}

TEST_F(usage_table_test, huge_numbers_do_not_wrap) {
  constexpr std::uint64_t most = ~std::uint64_t{0};
  count(most - 5);
  limit = most;
  EXPECT_EQ(ask(4, "a").is, room::granted);
  limit = most - 1;
  EXPECT_EQ(ask(100, "b").is, room::over);
  table.settle(ann, "a", most);
  EXPECT_EQ(held(), most);
}

// Whatever comes, in whatever order: what the table believes is what a count would find, as long
// as nobody deletes, and after a count also when somebody did. Nobody was let in beyond the limit.
TEST(usage_table_property, never_drifts) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](std::uint64_t n) { return random() % n; };
    usage_table table{{}};
    steady_time now{1000h};
    std::map<std::string, std::uint64_t> on_disk;
    std::map<std::string, std::uint64_t> under_way;
    const std::uint64_t limit = 5000;
    std::optional<mailbox_content> counting; // what the listing saw, once it was made
    bool is_counting = false;
    bool deleted = false;
    const auto sum = [&] {
      mailbox_content all;
      for (const auto& [name, size] : on_disk) {
        all.octets += size;
        ++all.messages;
      }
      return all;
    };
    for (int step = 0; step < 400; ++step) {
      now += std::chrono::milliseconds(below(100));
      switch (below(7)) {
      case 0:
      case 1: {
        const std::string name = "m" + std::to_string(step);
        const std::uint64_t size = 1 + below(600);
        const bool known = table.known(ann).has_value();
        const room_answer answer = table.ask({ann, name, limit, size, now}, false, now);
        if (answer.is == room::granted) {
          under_way[name] = size;
          std::uint64_t promised = 0;
          for (const auto& [other, its] : under_way) {
            promised += on_disk.contains(other) ? 0 : its;
          }
          ASSERT_TRUE(known);
          ASSERT_LE(sum().octets + promised, limit) << seed;
        }
        break;
      }
      case 2:
      case 3: // filed: on the disk first, told to the table a step later or never
        if (!under_way.empty()) {
          const auto at = std::next(under_way.begin(), static_cast<long>(below(under_way.size())));
          if (!on_disk.contains(at->first) && below(2) == 0) {
            on_disk[at->first] = at->second;
          } else {
            const bool filed = on_disk.contains(at->first);
            table.settle(ann, at->first, filed ? std::optional(at->second) : std::nullopt);
            under_way.erase(at);
          }
        }
        break;
      case 4: // a count: begun, listed, finished in three steps
        if (!is_counting) {
          ASSERT_TRUE(table.count_started(ann));
          is_counting = true;
          deleted = false; // what is deleted from here on is found by the next count
        } else if (!counting) {
          counting.emplace();
          const auto left_out = table.under_way(ann);
          for (const auto& [name, size] : on_disk) {
            if (!left_out.contains(name)) {
              counting->octets += size;
              ++counting->messages;
            }
          }
        } else {
          table.count_finished(ann, std::exchange(counting, {}), now, now);
          is_counting = false;
        }
        break;
      case 5:
        if (!on_disk.empty() && below(4) == 0 && !under_way.contains(on_disk.begin()->first)) {
          on_disk.erase(on_disk.begin());
          deleted = true;
        }
        break;
      default:
        if (const auto known = table.known(ann); known && !deleted && !is_counting) {
          mailbox_content expected = sum();
          for (const auto& [name, size] : under_way) {
            if (on_disk.contains(name)) { // filed, and the table not told yet
              expected.octets -= size;
              --expected.messages;
            }
          }
          ASSERT_EQ(*known, expected) << seed;
        }
      }
    }
  }
}
