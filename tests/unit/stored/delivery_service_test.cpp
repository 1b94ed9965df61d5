#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "lib/fs/faulty_file_system.hpp"
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

constexpr std::string_view octets = "Subject: hi\r\n\r\nhello\r\n";

// What the client is told, and a way to wait for it.
class client {
 public:
  delivery_completion completion() {
    return [s = state_](std::vector<outcome> outcomes) {
      const std::lock_guard lock(s->mutex);
      ++s->calls;
      s->outcomes = std::move(outcomes);
      s->changed.notify_all();
    };
  }
  [[nodiscard]] std::vector<outcome> wait() const {
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [this] { return state_->calls > 0; });
    return state_->outcomes;
  }
  [[nodiscard]] int calls() const {
    const std::lock_guard lock(state_->mutex);
    return state_->calls;
  }

 private:
  struct state {
    std::mutex mutex;
    std::condition_variable changed;
    int calls = 0;
    std::vector<outcome> outcomes;
  };
  std::shared_ptr<state> state_ = std::make_shared<state>();
};

// Two partitions on one volume; the disk of mail1 can be made to hang, or to fail.
class write_path : public testing::Test {
 protected:
  write_path() {
    mail1_ = make("mail1", gate_);
    mail2_ = make("mail2", memory_);
  }
  ~write_path() override {
    gate_.open();
    EXPECT_TRUE(service_.stop(60s));
  }

  std::shared_ptr<open_partition> make(const std::string& name, fs::file_system& files) {
    const std::string path = "/srv/" + name;
    memory_.make_directories(path);
    EXPECT_TRUE(maildir::partition::initialise(memory_, path, {.name = name}, {}));
    auto opened = maildir::partition::open(files, path, name);
    const std::uint64_t device = memory_.status(opened->root())->device;
    return std::make_shared<open_partition>(
        std::move(*opened), device,
        maildir::filing_settings{.taken = maildir::when_taken::is_repeat});
  }

  delivery_request request(const std::string& key, const std::vector<std::string>& mailboxes,
                           std::uint64_t seconds = 1700000000) {
    delivery_request r;
    r.envelope.size = {octets.size()};
    r.envelope.name = {.seconds = seconds, .key = key, .origin = "mx1"};
    r.envelope.partition = "mail1";
    r.envelope.sender = "sender@example.net";
    r.envelope.has_sender = true;
    for (const std::string& mailbox : mailboxes) {
      r.envelope.recipients.push_back({.mailbox = mailbox});
    }
    r.message = std::make_shared<const fs::message_spool>(std::string(octets));
    r.partition = mail1_;
    r.peer = "test";
    return r;
  }
  std::shared_ptr<pending_delivery> begin(client& c, const std::string& key,
                                          const std::vector<std::string>& mailboxes,
                                          std::uint64_t seconds = 1700000000) {
    return service_.deliver(request(key, mailboxes, seconds), c.completion());
  }
  std::vector<outcome> deliver(const std::string& key, const std::vector<std::string>& mailboxes,
                               std::uint64_t seconds = 1700000000) {
    client c;
    begin(c, key, mailboxes, seconds);
    return c.wait();
  }

  // Names of the files in new/ of a mailbox "user@domain".
  std::vector<std::string> mail_of(const std::string& partition, const std::string& user) {
    std::vector<std::string> names;
    const auto root = memory_.open_directory("/srv/" + partition);
    const auto directory =
        memory_.open_at(*root, "example.org/" + user + "/Maildir/new", fs::open_mode::directory);
    if (directory) {
      for (const auto& entry : memory_.list(*directory).value()) {
        names.push_back(entry.name);
      }
    }
    return names;
  }

  test::manual_clock clock_;
  fs::forgetting_file_system memory_;
  fs::faulty_file_system faults_{memory_};
  test::gated_file_system gate_{faults_};
  identity_map identities_{clock_, {}};
  delivery_service service_{identities_,
                            clock_,
                            {.workers = 4, .per_partition = 2},
                            {.per_mailbox = 3, .per_partition = 8, .commit = 60s}};
  std::shared_ptr<open_partition> mail1_;
  std::shared_ptr<open_partition> mail2_;
};

const std::string ann = "ann@example.org";
const std::string bob = "bob@example.org";
const std::string eve = "eve@example.org";

} // namespace

TEST_F(write_path, a_success_outlives_a_power_cut) {
  const auto outcomes = deliver("k1", {ann, bob});
  ASSERT_EQ(outcomes.size(), 2U);
  ASSERT_TRUE(outcomes[0]) << describe(outcomes[0].error());
  ASSERT_TRUE(outcomes[1]);
  EXPECT_EQ(outcomes[0]->name, "1700000000.k1.mx1");
  EXPECT_FALSE(outcomes[0]->repeat);
  memory_.crash(fs::crash_keeps::nothing, 1);
  EXPECT_EQ(mail_of("mail1", "ann").size(), 1U);
  EXPECT_EQ(mail_of("mail1", "bob").size(), 1U);
}

TEST_F(write_path, a_repeat_is_answered_with_the_first_name_and_makes_no_second_copy) {
  ASSERT_TRUE(deliver("k1", {ann})[0]);
  const auto repeat = deliver("k1", {ann}, 1700000300);
  ASSERT_TRUE(repeat[0]);
  EXPECT_TRUE(repeat[0]->repeat);
  EXPECT_EQ(repeat[0]->name, "1700000000.k1.mx1");
  EXPECT_EQ(mail_of("mail1", "ann").size(), 1U);
}

TEST_F(write_path, of_repeats_and_new_recipients_only_the_new_ones_are_filed) {
  ASSERT_TRUE(deliver("k1", {ann})[0]);
  const auto outcomes = deliver("k1", {bob, ann, eve}, 1700000300);
  ASSERT_TRUE(outcomes[0]);
  ASSERT_TRUE(outcomes[1]);
  ASSERT_TRUE(outcomes[2]);
  EXPECT_FALSE(outcomes[0]->repeat);
  EXPECT_EQ(outcomes[0]->name, "1700000300.k1.mx1");
  EXPECT_TRUE(outcomes[1]->repeat);
  EXPECT_EQ(outcomes[1]->name, "1700000000.k1.mx1");
  EXPECT_EQ(mail_of("mail1", "ann").size(), 1U);
  EXPECT_EQ(mail_of("mail1", "bob").size(), 1U);
  EXPECT_EQ(mail_of("mail1", "eve").size(), 1U);
}

TEST_F(write_path, a_mailbox_named_twice_gets_one_copy_and_two_answers) {
  const auto outcomes = deliver("k1", {ann, ann});
  ASSERT_TRUE(outcomes[0]);
  ASSERT_TRUE(outcomes[1]);
  EXPECT_EQ(mail_of("mail1", "ann").size(), 1U);
}

TEST_F(write_path, a_repeat_in_progress_shares_the_success) {
  gate_.shut();
  client first;
  client second;
  begin(first, "k1", {ann});
  gate_.wait_for_waiters(1);
  begin(second, "k1", {ann}, 1700000300);
  EXPECT_EQ(second.calls(), 0);
  gate_.open();
  ASSERT_TRUE(first.wait()[0]);
  const auto shared = second.wait();
  ASSERT_TRUE(shared[0]);
  EXPECT_TRUE(shared[0]->repeat);
  EXPECT_EQ(shared[0]->name, "1700000000.k1.mx1");
  EXPECT_EQ(mail_of("mail1", "ann").size(), 1U);
}

TEST_F(write_path, a_repeat_in_progress_shares_the_failure) {
  ASSERT_TRUE(deliver("k0", {ann})[0]);
  gate_.shut();
  client first;
  client second;
  begin(first, "k1", {ann});
  gate_.wait_for_waiters(1);
  begin(second, "k1", {ann}, 1700000300);
  faults_.plan({.kind = fs::call::sync_all, .error = EIO, .for_ever = true});
  faults_.plan({.kind = fs::call::sync_data, .error = EIO, .for_ever = true});
  gate_.open();
  EXPECT_FALSE(first.wait()[0]);
  ASSERT_FALSE(second.wait()[0]);
  EXPECT_EQ(second.wait()[0].error().kind, failure_kind::transient);
  faults_.reset();
  const auto next = deliver("k1", {ann}, 1700000600);
  ASSERT_TRUE(next[0]) << "a failure is not remembered";
  EXPECT_FALSE(next[0]->repeat);
}

// The Maildir of one of three is a symbolic link, which is never followed.
TEST_F(write_path, the_failure_of_one_recipient_of_three_is_his_own) {
  memory_.make_directories("/srv/mail1/example.org");
  memory_.plant_symlink("/srv/mail1/example.org/bob");
  const auto outcomes = deliver("k1", {ann, bob, eve});
  EXPECT_TRUE(outcomes[0]);
  ASSERT_FALSE(outcomes[1]);
  EXPECT_EQ(outcomes[1].error().kind, failure_kind::transient);
  EXPECT_TRUE(outcomes[2]);
  EXPECT_EQ(mail_of("mail1", "ann").size(), 1U);
  EXPECT_EQ(mail_of("mail1", "eve").size(), 1U);
}

TEST_F(write_path, a_failed_sync_is_no_success_and_leaves_nothing_visible) {
  ASSERT_TRUE(deliver("k0", {ann})[0]);
  faults_.plan({.kind = fs::call::sync_all, .error = EIO, .for_ever = true});
  faults_.plan({.kind = fs::call::sync_data, .error = EIO, .for_ever = true});
  const auto outcomes = deliver("k1", {ann});
  ASSERT_FALSE(outcomes[0]);
  EXPECT_EQ(mail_of("mail1", "ann").size(), 1U) << "only the earlier one";
}

TEST_F(write_path, a_full_volume_is_told_as_such_and_heals) {
  memory_.set_capacity({10});
  const auto refused = deliver("k1", {ann});
  ASSERT_FALSE(refused[0]);
  EXPECT_EQ(refused[0].error().reason, failure_reason::full);
  memory_.set_capacity({1U << 20U});
  EXPECT_TRUE(deliver("k1", {ann})[0]);
}

TEST_F(write_path, a_partition_that_hangs_does_not_delay_its_neighbour) {
  gate_.shut();
  std::vector<client> stuck(5);
  for (std::size_t i = 0; i < stuck.size(); ++i) {
    begin(stuck[i], "stuck" + std::to_string(i), {"user" + std::to_string(i) + "@example.org"});
  }
  gate_.wait_for_waiters(2);
  for (int i = 0; i < 20; ++i) {
    client c;
    delivery_request r = request("ok" + std::to_string(i), {ann});
    r.partition = mail2_;
    r.envelope.partition = "mail2";
    service_.deliver(std::move(r), c.completion());
    ASSERT_TRUE(c.wait()[0]);
  }
  EXPECT_EQ(mail_of("mail2", "ann").size(), 20U);
  for (const client& c : stuck) {
    EXPECT_EQ(c.calls(), 0);
  }
  gate_.open();
  for (const client& c : stuck) {
    EXPECT_TRUE(c.wait()[0]);
  }
}

TEST_F(write_path, a_partition_with_too_much_waiting_refuses_at_once) {
  gate_.shut();
  std::vector<client> waiting(10); // 2 at work, 8 in the lane
  for (std::size_t i = 0; i < 2; ++i) {
    begin(waiting[i], "w" + std::to_string(i), {"user" + std::to_string(i) + "@example.org"});
  }
  gate_.wait_for_waiters(2);
  for (std::size_t i = 2; i < 10; ++i) {
    begin(waiting[i], "w" + std::to_string(i), {"user" + std::to_string(i) + "@example.org"});
  }
  const auto refused = deliver("more", {eve});
  ASSERT_FALSE(refused[0]);
  EXPECT_EQ(refused[0].error().what, "partition mail1 has too much mail waiting");
  gate_.open();
  for (const client& c : waiting) {
    EXPECT_TRUE(c.wait()[0]);
  }
  EXPECT_TRUE(deliver("more", {eve})[0]);
}

TEST_F(write_path, a_flooded_mailbox_is_refused_and_its_neighbours_are_not) {
  gate_.shut();
  std::vector<client> flood(3);
  for (std::size_t i = 0; i < flood.size(); ++i) {
    begin(flood[i], "f" + std::to_string(i), {ann});
  }
  client both;
  begin(both, "more", {ann, bob});
  gate_.open();
  const auto outcomes = both.wait();
  ASSERT_FALSE(outcomes[0]);
  EXPECT_EQ(outcomes[0].error().what, "too many deliveries for this mailbox at the same time");
  EXPECT_TRUE(outcomes[1]);
  for (const client& c : flood) {
    EXPECT_TRUE(c.wait()[0]);
  }
  EXPECT_TRUE(deliver("after", {ann})[0]) << "the places were given back";
}

TEST_F(write_path, who_gives_up_is_told_so_and_the_repeat_finds_the_late_success) {
  gate_.shut();
  client impatient;
  const auto pending = begin(impatient, "k1", {ann});
  gate_.wait_for_waiters(1);
  pending->give_up(transient_failure("not safe yet"));
  ASSERT_FALSE(impatient.wait()[0]);
  gate_.open();
  const auto repeat = deliver("k1", {ann}, 1700000300);
  ASSERT_TRUE(repeat[0]);
  EXPECT_TRUE(repeat[0]->repeat);
  EXPECT_EQ(repeat[0]->name, "1700000000.k1.mx1");
  EXPECT_EQ(mail_of("mail1", "ann").size(), 1U);
  EXPECT_EQ(impatient.calls(), 1);
}

TEST_F(write_path, what_waited_longer_than_the_limit_is_not_filed_any_more) {
  gate_.shut();
  std::vector<client> at_work(2);
  begin(at_work[0], "w0", {ann});
  begin(at_work[1], "w1", {bob});
  gate_.wait_for_waiters(2);
  client late;
  begin(late, "late", {eve});
  clock_.advance(61s);
  gate_.open();
  const auto outcomes = late.wait();
  ASSERT_FALSE(outcomes[0]);
  EXPECT_EQ(outcomes[0].error().kind, failure_kind::transient);
  EXPECT_TRUE(mail_of("mail1", "eve").empty());
  // The partition counts as hanging until both that did hang have ended.
  std::vector<outcome> again = deliver("late", {eve});
  while (!again[0] && again[0].error().what == "partition mail1 does not answer") {
    again = deliver("late", {eve});
  }
  EXPECT_TRUE(again[0]);
}

TEST_F(write_path, a_stop_answers_what_waits) {
  gate_.shut();
  std::vector<client> all(3);
  begin(all[0], "w0", {ann});
  begin(all[1], "w1", {bob});
  gate_.wait_for_waiters(2);
  begin(all[2], "w2", {eve});
  std::thread opener([&] {
    ASSERT_FALSE(all[2].wait()[0]);
    gate_.open();
  });
  EXPECT_TRUE(service_.stop(60s));
  opener.join();
  EXPECT_TRUE(all[0].wait()[0]);
  EXPECT_TRUE(all[1].wait()[0]);
}

// Two messages of another form of name are told apart by the whole of it.
TEST_F(write_path, identical_octets_under_another_key_are_another_message) {
  ASSERT_TRUE(deliver("k1", {ann})[0]);
  const auto other = deliver("k2", {ann});
  ASSERT_TRUE(other[0]);
  EXPECT_FALSE(other[0]->repeat);
  EXPECT_EQ(mail_of("mail1", "ann").size(), 2U);
}
