// Limits on the write path: who is refused, who is not, and who need not wait.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lib/fs/forgetting_file_system.hpp"

#include "stored/delivery/delivery_service.hpp"
#include "stored/delivery/identity_map.hpp"
#include "tests/unit/stored/gated_file_system.hpp"
#include "tests/unit/stored/manual_clock.hpp"

using namespace homeward;
using namespace homeward::stored;
using namespace std::chrono_literals;
using store_protocol::outcome;

namespace {

const std::string octets = "Subject: hi\r\n\r\n" + std::string(200, 'x') + "\r\n";

struct addressed {
  std::string mailbox;
  std::uint64_t quota = 0;
};

// The answers of one transaction.
class answer {
 public:
  delivery_completion completion() {
    return [s = state_](std::vector<outcome> outcomes) {
      const std::lock_guard lock(s->mutex);
      s->outcomes = std::move(outcomes);
      s->changed.notify_all();
    };
  }
  // One word for each recipient.
  [[nodiscard]] std::vector<std::string> wait() const {
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [this] { return !state_->outcomes.empty(); });
    std::vector<std::string> words;
    for (const outcome& o : state_->outcomes) {
      words.emplace_back(o ? (o->repeat ? "repeat" : "ok")
                           : (o.error().reason == failure_reason::quota ? "full" : "later"));
    }
    return words;
  }
  [[nodiscard]] bool is_there() const {
    const std::lock_guard lock(state_->mutex);
    return !state_->outcomes.empty();
  }

 private:
  struct state {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<outcome> outcomes;
  };
  std::shared_ptr<state> state_ = std::make_shared<state>();
};

using words = std::vector<std::string>;

class quota_delivery : public testing::Test {
 protected:
  quota_delivery() {
    memory_.make_directories("/srv/mail1");
    EXPECT_TRUE(maildir::partition::initialise(memory_, "/srv/mail1", {.name = "mail1"}, {}));
    auto opened = maildir::partition::open(gate_, "/srv/mail1", "mail1");
    const std::uint64_t device = memory_.status(opened->root())->device;
    partition_ = std::make_shared<open_partition>(
        std::move(*opened), device,
        maildir::filing_settings{.taken = maildir::when_taken::is_repeat});
    start();
  }
  ~quota_delivery() override {
    gate_.open();
    EXPECT_TRUE(service_->stop(60s));
  }

  void start() {
    identities_ = std::make_unique<identity_map>(clock_, identity_limits{});
    service_ = std::make_unique<delivery_service>(
        *identities_, clock_, worker_limits{.workers = 4, .per_partition = 2},
        delivery_limits{.per_mailbox = 100, .per_partition = 1000});
  }
  void restart() {
    EXPECT_TRUE(service_->stop(60s));
    service_.reset();
    start();
  }

  answer begin(const std::string& key, const std::vector<addressed>& to,
               const std::string& text = octets) {
    delivery_request r;
    r.envelope.size = {text.size()};
    r.envelope.name = {.seconds = 1700000000, .key = key, .origin = "mx1"};
    r.envelope.partition = "mail1";
    r.envelope.sender = "s@y";
    r.envelope.has_sender = true;
    for (const addressed& who : to) {
      r.envelope.recipients.push_back({.mailbox = who.mailbox, .quota_limit = {who.quota}});
    }
    r.message = std::make_shared<const fs::message_spool>(std::string(text));
    r.partition = partition_;
    r.peer = "test";
    answer a;
    service_->deliver(std::move(r), a.completion());
    return a;
  }
  words deliver(const std::string& key, const std::vector<addressed>& to,
                const std::string& text = octets) {
    return begin(key, to, text).wait();
  }
  std::vector<std::string> mail_of(const std::string& user) {
    std::vector<std::string> names;
    const auto root = memory_.open_directory("/srv/mail1");
    const auto directory =
        memory_.open_at(*root, "x/" + user + "/Maildir/new", fs::open_mode::directory);
    if (directory) {
      for (const auto& entry : memory_.list(*directory).value()) {
        names.push_back(entry.name);
      }
    }
    return names;
  }
  void delete_all_of(const std::string& user) {
    const auto directory = memory_.open_directory("/srv/mail1/x/" + user + "/Maildir/new");
    for (const std::string& name : mail_of(user)) {
      ASSERT_TRUE(memory_.unlink_at(*directory, name));
    }
  }
  std::uint64_t on_disk(const std::string& user) {
    std::uint64_t sum = 0;
    for (const std::string& name : mail_of(user)) {
      sum += size_in_name(name).value();
    }
    return sum;
  }
  std::uint64_t known(const std::string& mailbox) {
    return service_->quota().known({"mail1", mailbox}).value().octets;
  }

  test::manual_clock clock_;
  fs::forgetting_file_system memory_;
  test::gated_file_system gate_{memory_};
  std::shared_ptr<open_partition> partition_;
  std::unique_ptr<identity_map> identities_;
  std::unique_ptr<delivery_service> service_;
};

} // namespace

TEST_F(quota_delivery, fills_a_mailbox_up_to_its_limit) {
  const std::uint64_t limit = 4 * octets.size();
  int stored = 0;
  words last;
  while (stored < 10 &&
         (last = deliver("k" + std::to_string(stored), {{"ann@x", limit}})) == words{"ok"}) {
    ++stored;
  }
  EXPECT_EQ(last, words{"full"});
  EXPECT_GE(stored, 3);
  EXPECT_LE(on_disk("ann"), limit);
  EXPECT_EQ(known("ann@x"), on_disk("ann"));
}

TEST_F(quota_delivery, a_repeat_is_ok_whatever_the_limit) {
  ASSERT_EQ(deliver("k", {{"ann@x", 1000}}), words{"ok"});
  EXPECT_EQ(deliver("k", {{"ann@x", 1}}), words{"repeat"});
  EXPECT_EQ(mail_of("ann").size(), 1U);
}

TEST_F(quota_delivery, who_has_no_limit_is_not_even_counted) {
  ASSERT_EQ(deliver("k", {{"ann@x", 0}}), words{"ok"});
  EXPECT_FALSE(service_->quota().known({"mail1", "ann@x"}));
}

TEST_F(quota_delivery, only_the_full_one_of_many_is_refused) {
  ASSERT_EQ(deliver("k1", {{"bob@x", 300}}), words{"ok"});
  EXPECT_EQ(deliver("k2", {{"ann@x", 1000}, {"bob@x", 300}, {"eve@x", 0}}),
            (words{"ok", "full", "ok"}));
  EXPECT_EQ(mail_of("ann").size() + mail_of("eve").size(), 2U);
  EXPECT_EQ(mail_of("bob").size(), 1U);
}

// As after a restart: nobody is known, somebody has no limit. It is one file all the same.
TEST_F(quota_delivery, a_message_for_many_stays_one_file_when_they_are_counted_first) {
  ASSERT_EQ(deliver("k1", {{"ann@x", 1000}}), words{"ok"});
  ASSERT_EQ(deliver("k2", {{"ann@x", 1000}, {"bob@x", 1000}, {"eve@x", 0}}),
            (words{"ok", "ok", "ok"}));
  const auto root = memory_.open_directory("/srv/mail1");
  const auto at = memory_.open_at(*root, "x/eve/Maildir/new", fs::open_mode::directory);
  EXPECT_EQ(memory_.status_at(*at, mail_of("eve").at(0))->links, 3U);
}

TEST_F(quota_delivery, deleting_heals_at_once) {
  ASSERT_EQ(deliver("k1", {{"ann@x", 300}}), words{"ok"});
  EXPECT_EQ(deliver("k2", {{"ann@x", 300}}), words{"full"});
  delete_all_of("ann");
  clock_.advance(1s);
  EXPECT_EQ(deliver("k2", {{"ann@x", 300}}), words{"ok"}) << "the same message again";
}

TEST_F(quota_delivery, a_restart_does_not_forget_that_a_mailbox_is_full) {
  ASSERT_EQ(deliver("k1", {{"ann@x", 300}}), words{"ok"});
  restart();
  EXPECT_EQ(deliver("k2", {{"ann@x", 300}}), words{"full"});
  EXPECT_EQ(service_->quota().nearly_full(place_of(partition_), 10).size(), 0U)
      << "at 80 percent of it";
}

TEST_F(quota_delivery, fifty_at_the_same_time_do_not_overshoot) {
  const std::uint64_t limit = 10 * octets.size();
  ASSERT_EQ(deliver("first", {{"ann@x", limit}}), words{"ok"});
  gate_.shut();
  std::vector<answer> answers;
  for (int i = 0; i < 50; ++i) {
    answers.push_back(begin("k" + std::to_string(i), {{"ann@x", limit}}));
  }
  gate_.open();
  int stored = 0;
  for (const answer& a : answers) {
    stored += a.wait() == words{"ok"} ? 1 : 0;
  }
  EXPECT_EQ(stored, 7) << "each with its trace lines";
  EXPECT_LE(on_disk("ann"), limit);
  EXPECT_EQ(known("ann@x"), on_disk("ann"));
}

// ann's partition hangs while it is counted: bob, who was counted before, gets the same message,
// and others get theirs.
TEST_F(quota_delivery, who_has_to_be_counted_delays_nobody) {
  ASSERT_EQ(deliver("k1", {{"bob@x", 100'000}, {"ann@x", 0}}), (words{"ok", "ok"}));
  gate_.hang_lists();
  const answer both = begin("k2", {{"ann@x", 100'000}, {"bob@x", 100'000}, {"eve@x", 0}});
  EXPECT_EQ(deliver("k3", {{"bob@x", 100'000}}), words{"ok"});
  while (mail_of("bob").size() < 3 || mail_of("eve").empty()) {
    std::this_thread::yield();
  }
  EXPECT_EQ(mail_of("ann").size(), 1U);
  EXPECT_FALSE(both.is_there());
  gate_.open();
  EXPECT_EQ(both.wait(), (words{"ok", "ok", "ok"}));
}

TEST_F(quota_delivery, a_stop_answers_who_waits_for_a_count) {
  ASSERT_EQ(deliver("k0", {{"ann@x", 0}}), words{"ok"});
  gate_.hang_lists();
  const answer waiting = begin("k", {{"ann@x", 1000}});
  gate_.wait_for_waiters(1);
  std::thread stopper([this] { EXPECT_TRUE(service_->stop(60s)); });
  EXPECT_EQ(waiting.wait(), words{"later"});
  gate_.open();
  stopper.join();
  EXPECT_EQ(mail_of("ann").size(), 1U);
}

TEST_F(quota_delivery, switched_off_it_counts_and_refuses_nobody) {
  service_->quota().set_limits({.enforce = false});
  ASSERT_EQ(deliver("k1", {{"ann@x", 300}}), words{"ok"});
  ASSERT_EQ(deliver("k2", {{"ann@x", 300}}), words{"ok"});
  while (!service_->quota().known({"mail1", "ann@x"})) {
    std::this_thread::yield();
  }
  const auto full = service_->quota().nearly_full(place_of(partition_), 10);
  ASSERT_EQ(full.size(), 1U);
  EXPECT_EQ(full[0].used.octets, on_disk("ann"));
}
