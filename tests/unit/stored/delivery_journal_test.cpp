// The write path with a journal: what is on record before what is visible, and both before the
// answer; recipients that are refused at filing; messages filed apart; a journal that fails.

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "lib/fs/faulty_file_system.hpp"
#include "lib/fs/forgetting_file_system.hpp"

#include "stored/delivery/delivery_service.hpp"
#include "stored/delivery/identity_map.hpp"
#include "stored/delivery/journal_records.hpp"
#include "stored/journal/journal_index.hpp"
#include "stored/journal/record_codec.hpp"
#include "tests/unit/maildir/mail_store.hpp"
#include "tests/unit/stored/gated_file_system.hpp"
#include "tests/unit/stored/manual_clock.hpp"

namespace homeward::stored {
namespace {

using fs::call;
using journal::abort_record;
using journal::delivery_record;
using store_protocol::outcome;

const std::string ann = "ann@a.example";
const std::string bob = "bob@a.example";

// A partition "mail1" with a journal; its disk can fail, or wait at a gate.
class journaled : public testing::Test {
 protected:
  journaled() {
    memory_.make_directories("/srv/mail1");
    EXPECT_TRUE(maildir::partition::initialise(memory_, "/srv/mail1", {.name = "mail1"}, {}));
    start();
  }
  ~journaled() override {
    gate_.open();
    stop();
  }

  void start() {
    identities_.emplace(clock_, identity_limits{});
    journals_.emplace(gate_, clock_,
                      journal::journal_settings{
                          .farm = "farm",
                          .segments = {.size = byte_count{journal::smallest_segment}, .count = 3},
                          .groups = {},
                          .checkpoint = std::chrono::hours(1),
                          .wait_for_partitions = std::chrono::seconds(10),
                          .identities = {}},
                      true, memory_for_journals(*identities_, clock_));
    service_.emplace(*identities_, clock_, worker_limits{.workers = 2, .per_partition = 1},
                     delivery_limits{});
    auto opened = maildir::partition::open(gate_, "/srv/mail1", "mail1").value();
    const std::uint64_t device = memory_.status(opened.root())->device;
    auto attached = journals_->attach(opened, device);
    ASSERT_TRUE(attached) << describe(attached.error());
    partition_ = std::make_shared<open_partition>(
        std::move(opened), device,
        maildir::filing_settings{.recipe = maildir::sync_recipe::none,
                                 .taken = maildir::when_taken::is_repeat},
        *attached);
  }
  void stop() {
    EXPECT_TRUE(service_->stop(std::chrono::seconds(60)));
    partition_.reset();
    EXPECT_TRUE(journals_->stop(std::chrono::seconds(60)));
    journals_.reset();
  }
  void kill() {
    files_.cut_power_at(1);
    stop();
    files_.reset();
  }
  void cut_power() {
    kill();
    memory_.crash(fs::crash_keeps::nothing, 1);
  }

  delivery_request request(const std::string& key, const std::vector<std::string>& mailboxes,
                           const std::string& octets) {
    delivery_request r;
    r.envelope.size = {octets.size()};
    r.envelope.name = {.seconds = 1700000000, .key = key, .origin = "mx1"};
    r.envelope.partition = "mail1";
    r.envelope.sender = "s@x";
    r.envelope.has_sender = true;
    for (const std::string& mailbox : mailboxes) {
      r.envelope.recipients.push_back({.mailbox = mailbox});
    }
    r.message = std::make_shared<const fs::message_spool>(octets);
    r.partition = partition_;
    return r;
  }
  // `at_answer` runs when the answer is given, on the thread that gives it.
  std::vector<outcome> deliver(const std::string& key, const std::vector<std::string>& mailboxes,
                               const std::string& octets = "Subject: x\r\n\r\nhello\r\n",
                               const std::function<void()>& at_answer = {}) {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<std::vector<outcome>> answer;
    (void)service_->deliver(request(key, mailboxes, octets), [&](std::vector<outcome> all) {
      if (at_answer) {
        at_answer();
      }
      const std::lock_guard lock(mutex);
      answer = std::move(all);
      changed.notify_all();
    });
    std::unique_lock lock(mutex);
    EXPECT_TRUE(
        changed.wait_for(lock, std::chrono::seconds(60), [&] { return answer.has_value(); }));
    return *answer;
  }

  // One delivery, and the checkpoints that a start and a first segment ask for: at rest from then.
  void warm_up() {
    ASSERT_TRUE(deliver("k0", {ann})[0]);
    ASSERT_TRUE(journals_->attach(partition_->where, partition_->device)); // asks for one more
    std::uint64_t made = 0;
    do {
      made = partition_->journal->figures().checkpoints;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    } while (partition_->journal->figures().checkpoint_due ||
             partition_->journal->figures().checkpoints != made);
  }

  // All records that lie in the journal now; the octets of messages are not kept.
  std::vector<journal::record> records() {
    const fs::handle directory = memory_.open_directory("/srv/mail1/.homeward-journal").value();
    const auto index = journal::read_index(memory_, directory, "farm");
    EXPECT_TRUE(index) << describe(index.error());
    std::vector<journal::record> all;
    const auto read =
        journal::for_each_record(memory_, directory, *index, 1,
                                 [&](const journal::segment_file&,
                                     const journal::record_place& where, std::string_view payload) {
                                   journal::record r =
                                       journal::decode_payload(where.type, payload).value();
                                   if (!std::holds_alternative<journal::checkpoint_record>(r)) {
                                     all.push_back(std::move(r));
                                   }
                                   return true;
                                 });
    EXPECT_TRUE(read);
    return all;
  }
  std::size_t mail() { return maildir::test::mail_in(memory_, "/srv/mail1").size(); }
  // A file where the mailbox should be: filing into it fails.
  void spoil(const std::string& mailbox) {
    const fs::handle root = memory_.open_directory("/srv/mail1").value();
    (void)memory_.make_directory_at(root, "a.example");
    const fs::handle domain = memory_.open_at(root, "a.example", fs::open_mode::directory).value();
    EXPECT_TRUE(
        memory_.open_at(domain, mailbox.substr(0, mailbox.find('@')), fs::open_mode::create_new));
  }
  static std::string large() { return "Subject: x\r\n\r\n" + std::string(300000, 'x') + "\r\n"; }

  test::manual_clock clock_;
  fs::forgetting_file_system memory_;
  fs::faulty_file_system files_{memory_};
  test::gated_file_system gate_{files_};
  std::optional<identity_map> identities_;
  std::optional<journal::journal_table> journals_;
  std::optional<delivery_service> service_;
  std::shared_ptr<open_partition> partition_;
};

TEST_F(journaled, one_record_for_all_recipients_and_no_sync_of_their_files) {
  warm_up();
  const std::size_t syncs = files_.count(call::sync_all);
  const auto outcomes = deliver("k1", {ann, bob});
  ASSERT_TRUE(outcomes[0] && outcomes[1]);
  EXPECT_EQ(files_.count(call::sync_all), syncs);
  const auto all = records();
  ASSERT_EQ(all.size(), 2U);
  const auto& d = std::get<delivery_record>(all[1]);
  EXPECT_EQ(d.name, "1700000000.k1.mx1");
  EXPECT_EQ(d.mailboxes, (std::vector{ann, bob}));
  EXPECT_EQ(d.sender, "s@x");
  EXPECT_EQ(d.partition, partition_->where.id());
  EXPECT_FALSE(d.apart);
}

TEST_F(journaled, nothing_is_visible_before_the_record_is_durable) {
  gate_.shut();
  std::thread client([&] { EXPECT_TRUE(deliver("k1", {ann})[0]); });
  gate_.wait_for_waiters(1);
  EXPECT_EQ(mail(), 0U);
  gate_.open();
  client.join();
  EXPECT_EQ(mail(), 1U);
}

TEST_F(journaled, a_recipient_refused_at_filing_is_on_record_before_the_answer) {
  spoil(bob);
  std::vector<journal::record> at_answer;
  const auto outcomes =
      deliver("k1", {ann, bob}, "Subject: x\r\n\r\n", [&] { at_answer = records(); });
  EXPECT_TRUE(outcomes[0]);
  EXPECT_FALSE(outcomes[1]);
  ASSERT_EQ(at_answer.size(), 2U);
  EXPECT_EQ(std::get<abort_record>(at_answer[1]).recipients, std::vector<std::uint32_t>{1});
}

TEST_F(journaled, a_refused_recipient_is_not_filed_by_a_recovery) {
  spoil(bob);
  ASSERT_FALSE(deliver("k1", {ann, bob})[1]);
  cut_power();
  const fs::handle domain = memory_.open_directory("/srv/mail1/a.example").value();
  (void)memory_.unlink_at(domain, "bob"); // the mailbox is in order again
  start();
  EXPECT_EQ(mail(), 1U);
  const auto again = deliver("k1", {ann, bob});
  ASSERT_TRUE(again[0] && again[1]);
  EXPECT_TRUE(again[0]->repeat);
  EXPECT_FALSE(again[1]->repeat);
  EXPECT_EQ(mail(), 2U);
}

TEST_F(journaled, a_refusal_that_cannot_be_recorded_is_no_refusal_for_good) {
  warm_up();
  spoil(bob);
  files_.plan({.kind = call::sync_data, .nth = 2}); // of the abort record
  const auto outcomes = deliver("k1", {ann, bob});
  EXPECT_TRUE(outcomes[0]) << "it is on record, and filed";
  ASSERT_FALSE(outcomes[1]);
  EXPECT_EQ(outcomes[1].error().kind, failure_kind::transient);
  EXPECT_FALSE(deliver("k2", {ann})[0]);
}

TEST_F(journaled, a_record_that_is_not_committed_is_neither_filed_nor_answered_as_stored) {
  warm_up();
  files_.plan({.kind = call::sync_data});
  const auto outcomes = deliver("k1", {ann, bob});
  for (const outcome& o : outcomes) {
    ASSERT_FALSE(o);
    EXPECT_EQ(o.error().kind, failure_kind::transient);
  }
  EXPECT_EQ(mail(), 1U);
  EXPECT_FALSE(deliver("k2", {ann})[0]) << "nor anything later";
  EXPECT_EQ(mail(), 1U);
}

TEST_F(journaled, an_acknowledged_one_is_known_after_a_power_cut_and_there_once) {
  warm_up();
  ASSERT_TRUE(deliver("k1", {ann, bob})[0]);
  cut_power();
  EXPECT_LT(mail(), 3U) << "nothing of it was synced";
  start();
  EXPECT_EQ(mail(), 3U);
  const auto again = deliver("k1", {bob, ann});
  EXPECT_TRUE(again[0]->repeat && again[1]->repeat);
  EXPECT_EQ(mail(), 3U);
}

// --- Messages filed apart ---------------------------------------------------------------

TEST_F(journaled, a_large_message_is_filed_durably_and_recorded_without_its_octets) {
  ASSERT_TRUE(deliver("k1", {ann, bob}, large())[0]);
  const auto all = records();
  ASSERT_EQ(all.size(), 1U);
  const auto& d = std::get<delivery_record>(all[0]);
  EXPECT_TRUE(d.apart);
  EXPECT_EQ(d.size, large().size());
  EXPECT_EQ(d.mailboxes, (std::vector{ann, bob}));
  cut_power();
  EXPECT_EQ(mail(), 2U) << "before any recovery";
  start();
  const auto again = deliver("k1", {ann}, large());
  EXPECT_TRUE(again[0]->repeat);
  EXPECT_EQ(mail(), 2U);
}

TEST_F(journaled, of_a_large_message_only_those_who_have_it_are_recorded) {
  spoil(bob);
  const auto outcomes = deliver("k1", {ann, bob}, large());
  EXPECT_TRUE(outcomes[0]);
  EXPECT_FALSE(outcomes[1]);
  const auto all = records();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(std::get<delivery_record>(all[0]).mailboxes, std::vector{ann});
  EXPECT_FALSE(deliver("k2", {bob}, large())[0]);
  EXPECT_EQ(records().size(), 1U) << "nobody has it";
}

TEST_F(journaled, a_large_message_that_cannot_be_recorded_is_taken_out_again) {
  warm_up();
  files_.plan({.kind = call::sync_data});
  EXPECT_FALSE(deliver("k1", {ann, bob}, large())[0]);
  EXPECT_EQ(mail(), 1U);
}

// The record was written, only its sync has failed: the next start finds it.
TEST_F(journaled, a_large_message_that_was_taken_out_is_not_known_after_a_restart) {
  warm_up();
  files_.plan({.kind = call::sync_data});
  ASSERT_FALSE(deliver("k1", {ann, bob}, large())[0]);
  ASSERT_EQ(mail(), 1U);
  kill();
  start();
  const auto again = deliver("k1", {ann, bob}, large());
  ASSERT_TRUE(again[0] && again[1]);
  EXPECT_FALSE(again[0]->repeat);
  EXPECT_EQ(mail(), 3U);
}

TEST_F(journaled, nor_after_two_restarts_without_a_checkpoint_between_them) {
  warm_up();
  ASSERT_TRUE(deliver("k3", {ann})[0]); // its identity keeps the checkpoints waiting
  files_.plan({.kind = call::sync_data});
  ASSERT_FALSE(deliver("k1", {ann, bob}, large())[0]);
  kill();
  for (int i = 0; i < 2; ++i) {
    files_.plan({.kind = call::allocate, .error = ENOSPC, .for_ever = true});
    start();
    EXPECT_EQ(mail(), 2U);
    kill();
  }
  start();
  const auto again = deliver("k1", {ann, bob}, large());
  ASSERT_TRUE(again[0] && again[1]);
  EXPECT_FALSE(again[0]->repeat);
  EXPECT_EQ(mail(), 4U);
}

TEST_F(journaled, a_large_message_that_a_reader_has_moved_is_known_after_a_power_cut) {
  ASSERT_TRUE(deliver("k1", {ann}, large())[0]);
  const fs::handle maildir = memory_.open_directory("/srv/mail1/a.example/ann/Maildir").value();
  const fs::handle in = memory_.open_at(maildir, "new", fs::open_mode::directory).value();
  const fs::handle seen = memory_.open_at(maildir, "cur", fs::open_mode::directory).value();
  const std::string name = memory_.list(in)->front().name;
  ASSERT_TRUE(memory_.rename_at(in, name, seen, name + ":2,S", fs::on_existing::refuse));
  ASSERT_TRUE(memory_.sync_file_system(maildir));
  cut_power();
  start();
  EXPECT_TRUE(deliver("k1", {ann}, large())[0]->repeat);
  EXPECT_EQ(mail(), 1U);
}

// --- Kills ------------------------------------------------------------------------------

TEST_F(journaled, what_a_reader_has_deleted_stays_deleted_after_a_kill) {
  ASSERT_TRUE(deliver("k1", {ann})[0]);
  const fs::handle in = memory_.open_directory("/srv/mail1/a.example/ann/Maildir/new").value();
  ASSERT_TRUE(memory_.unlink_at(in, memory_.list(in)->front().name));
  for (int i = 0; i < 3; ++i) {
    kill();
    start();
    EXPECT_EQ(mail(), 0U);
    EXPECT_TRUE(deliver("k1", {ann})[0]->repeat);
  }
}

TEST_F(journaled, nor_does_it_come_back_when_a_recovery_has_filed_it) {
  ASSERT_TRUE(deliver("k1", {ann})[0]);
  cut_power();
  // The first checkpoint of this life does not come about.
  files_.plan({.kind = call::sync_file_system, .for_ever = true});
  start();
  ASSERT_EQ(mail(), 1U);
  const fs::handle in = memory_.open_directory("/srv/mail1/a.example/ann/Maildir/new").value();
  ASSERT_TRUE(memory_.unlink_at(in, memory_.list(in)->front().name));
  files_.reset();
  kill();
  // Only its own mark tells that it was there: nothing else does after a kill.
  const fs::handle journal = memory_.open_directory("/srv/mail1/.homeward-journal").value();
  (void)memory_.unlink_at(journal, "failed");
  start();
  EXPECT_EQ(mail(), 0U);
}

} // namespace
} // namespace homeward::stored
