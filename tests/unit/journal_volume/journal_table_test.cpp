// Which journal a partition has: the first of a volume hosts it, the others hold a note; the host
// changes, journals of earlier times are recovered, and none is removed that holds mail.

#include <algorithm>

#include "stored/journal/journal_note.hpp"
#include "stored/journal/journal_table.hpp"
#include "stored/journal/recovery.hpp"
#include "tests/unit/journal_volume/journal_fixture.hpp"
#include "tests/unit/maildir/mail_store.hpp"

namespace homeward::journal {
namespace {

using fs::call;
using test::becomes;
using test::delivery_of;

constexpr std::uint64_t volume = 1;

class some_partitions : public ::testing::Test {
 protected:
  some_partitions() {
    for (const char* name : {"mail1", "mail2", "mail3"}) {
      memory_.make_directories("/srv/" + std::string(name));
      EXPECT_TRUE(
          maildir::partition::initialise(memory_, "/srv/" + std::string(name), {.name = name}, {}));
    }
    start();
  }
  ~some_partitions() override { stop(); }

  void start(bool in_use = true) {
    stop();
    known_.clear();
    recovered_.clear();
    table_.emplace(files_, clock_,
                   journal_settings{.farm = "farm",
                                    .segments = {.size = byte_count{smallest_segment}, .count = 3},
                                    .groups = {},
                                    .checkpoint = std::chrono::hours(1),
                                    .wait_for_partitions = std::chrono::seconds(10),
                                    .identities = {}},
                   in_use,
                   identity_memory{[this](const logged_identity& i, std::uint64_t) {
                                     known_.push_back(i.high);
                                   },
                                   [this](const delivery_record& d, std::size_t) {
                                     recovered_.push_back(d.name);
                                     return logged_identity{.high = 77};
                                   }});
  }
  void stop() {
    if (table_) {
      EXPECT_TRUE(table_->stop(std::chrono::seconds(60)));
      table_.reset();
    }
  }
  void kill() {
    files_.cut_power_at(1);
    stop();
    files_.reset();
  }
  maildir::partition open(const std::string& name) {
    return maildir::partition::open(files_, "/srv/" + name, name).value();
  }
  result<std::shared_ptr<volume_journal>> attach(const std::string& name,
                                                 std::uint64_t device = volume) {
    return table_->attach(open(name), device);
  }
  // A delivery to the partition that is committed and not filed.
  void leave(volume_journal& journal, const std::string& name, const std::string& key) {
    test::told_commits told;
    delivery_record r = delivery_of("hello\r\n", open(name).id(), "1." + key + ".x");
    journal.append(std::move(r), nullptr, told.callback());
    ASSERT_TRUE(told.wait(1).front());
  }
  // No checkpoint is under way or asked for.
  static bool at_rest(const volume_journal& journal) {
    const std::uint64_t made = journal.figures().checkpoints;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return !journal.figures().checkpoint_due && journal.figures().checkpoints == made;
  }
  std::size_t mail_in(const std::string& name) {
    return maildir::test::mail_in(memory_, "/srv/" + name).size();
  }
  bool has(const std::string& partition, std::string_view file) {
    return memory_.status_at(memory_.open_directory("/srv/" + partition).value(), std::string(file))
        .has_value();
  }
  std::string note_of(const std::string& partition) {
    return read_place(open(partition)).value().noted.value_or("");
  }

  stored::test::manual_clock clock_;
  fs::forgetting_file_system memory_;
  fs::faulty_file_system files_{memory_};
  std::vector<std::uint64_t> known_;
  std::vector<std::string> recovered_;
  std::optional<journal_table> table_;
};

TEST_F(some_partitions, the_first_hosts_the_journal_and_the_others_note_it) {
  const auto one = attach("mail1");
  ASSERT_TRUE(one);
  const auto two = attach("mail2");
  ASSERT_TRUE(two);
  EXPECT_EQ(*one, *two);
  EXPECT_TRUE(has("mail1", journal_directory_name));
  EXPECT_FALSE(has("mail1", journal_note_name));
  EXPECT_FALSE(has("mail2", journal_directory_name));
  EXPECT_EQ(note_of("mail2"), "/srv/mail1/.homeward-journal");
  memory_.crash(fs::crash_keeps::nothing, 1);
  EXPECT_TRUE(has("mail1", journal_directory_name));
  EXPECT_TRUE(has("mail2", journal_note_name));
  files_.cut_power_at(1);
}

TEST_F(some_partitions, another_volume_has_another_journal) {
  const auto one = attach("mail1", 1);
  const auto two = attach("mail2", 2);
  ASSERT_TRUE(one && two);
  EXPECT_NE(*one, *two);
  EXPECT_TRUE(has("mail2", journal_directory_name));
}

TEST_F(some_partitions, without_a_note_there_is_no_journal_for_a_partition) {
  ASSERT_TRUE(attach("mail1"));
  files_.plan({.kind = call::rename_at});
  EXPECT_FALSE(attach("mail2"));
  EXPECT_FALSE(has("mail2", journal_note_name));
  EXPECT_TRUE(attach("mail2")) << "the next look";
  EXPECT_TRUE(has("mail2", journal_note_name));
}

TEST_F(some_partitions, the_note_decides_when_another_one_comes_first) {
  ASSERT_TRUE(attach("mail1"));
  leave(**attach("mail2"), "mail2", "k1");
  kill();
  start();
  const auto two = attach("mail2");
  ASSERT_TRUE(two);
  EXPECT_EQ((*two)->directory(), "/srv/mail1/.homeward-journal");
  EXPECT_EQ(mail_in("mail2"), 1U);
  EXPECT_EQ(recovered_, std::vector<std::string>{"1.k1.x"});
  EXPECT_EQ(attach("mail1").value(), *two);
}

TEST_F(some_partitions, of_two_hosts_one_is_recovered_and_removed) {
  leave(**attach("mail1", 1), "mail1", "k1");
  leave(**attach("mail2", 2), "mail2", "k2");
  kill();
  start();
  const auto one = attach("mail1", 1);
  const auto two = attach("mail2", 1); // both on one volume now
  ASSERT_TRUE(one && two) << describe(two.error());
  EXPECT_EQ(*one, *two);
  EXPECT_EQ(mail_in("mail1"), 1U);
  EXPECT_EQ(mail_in("mail2"), 1U);
  EXPECT_FALSE(has("mail2", journal_directory_name));
  EXPECT_EQ(note_of("mail2"), "/srv/mail1/.homeward-journal");
  memory_.crash(fs::crash_keeps::nothing, 1);
  EXPECT_EQ(mail_in("mail2"), 1U) << "synced before its journal was removed";
  files_.cut_power_at(1);
}

TEST_F(some_partitions, a_journal_of_earlier_times_that_holds_mail_of_others_stays) {
  ASSERT_TRUE(attach("mail1", 1));
  leave(**attach("mail2", 2), "mail2", "k2");
  leave(**attach("mail3", 2), "mail3", "k3");
  kill();
  start();
  ASSERT_TRUE(attach("mail1", 1));
  const auto again = attach("mail2", 1);
  EXPECT_TRUE(again) << describe(again.error());
  EXPECT_EQ(mail_in("mail2"), 1U);
  EXPECT_TRUE(has("mail2", journal_directory_name)) << "it has mail for mail3";
  ASSERT_TRUE(attach("mail3", 1));
  EXPECT_EQ(mail_in("mail3"), 1U);
  ASSERT_TRUE(attach("mail2", 1));
  EXPECT_FALSE(has("mail2", journal_directory_name));
  EXPECT_EQ(mail_in("mail2"), 1U);
}

TEST_F(some_partitions, without_journal_all_that_one_has_left_is_filed) {
  leave(**attach("mail1"), "mail1", "k1");
  leave(**attach("mail2"), "mail2", "k2");
  kill();
  start(false);
  const auto one = attach("mail1");
  ASSERT_TRUE(one) << describe(one.error());
  EXPECT_EQ(*one, nullptr);
  const auto two = attach("mail2");
  ASSERT_TRUE(two) << describe(two.error());
  EXPECT_EQ(*two, nullptr);
  EXPECT_EQ(mail_in("mail1"), 1U);
  EXPECT_EQ(mail_in("mail2"), 1U);
  EXPECT_FALSE(has("mail2", journal_note_name));
  stop();
  start(false);
  ASSERT_TRUE(attach("mail1"));
  EXPECT_FALSE(has("mail1", journal_directory_name));
  memory_.crash(fs::crash_keeps::nothing, 1);
  EXPECT_EQ(mail_in("mail1") + mail_in("mail2"), 2U);
  files_.cut_power_at(1);
}

TEST_F(some_partitions, a_journal_is_not_removed_without_a_checkpoint) {
  leave(**attach("mail1"), "mail1", "k1");
  kill();
  start(false);
  // The identities cannot be written, so nothing is synced.
  files_.plan({.kind = call::sync_file_system, .error = EIO});
  EXPECT_FALSE(attach("mail1"));
  EXPECT_TRUE(has("mail1", journal_directory_name));
  ASSERT_TRUE(attach("mail1")) << "the next look";
  EXPECT_EQ(mail_in("mail1"), 1U);
}

TEST_F(some_partitions, a_journal_is_not_removed_while_its_identities_cannot_be_written) {
  leave(**attach("mail1"), "mail1", "k1");
  kill();
  start(false);
  const fs::volume_space now = memory_.space(memory_.open_directory("/srv/mail1").value()).value();
  memory_.set_capacity({now.total.octets - now.free.octets + 3000});
  (void)attach("mail1");
  memory_.crash(fs::crash_keeps::nothing, 1);
  files_.cut_power_at(1);
  stop();
  files_.reset();
  memory_.set_capacity(1024_GiB);
  start(false);
  ASSERT_TRUE(attach("mail1"));
  EXPECT_EQ(mail_in("mail1"), 1U);
}

TEST_F(some_partitions, one_of_earlier_times_can_be_recovered_again_after_a_fault) {
  unsigned failed = 0;
  for (unsigned nth = 1; nth < 120; ++nth) {
    start();
    leave(*attach("mail1").value(), "mail1", "k" + std::to_string(nth));
    kill();
    start(false);
    const maildir::partition where = open("mail1");
    files_.plan({.nth = nth, .error = ENOSPC});
    failed += table_->attach(where, volume) ? 0U : 1U;
    files_.reset();
    const auto again = attach("mail1"); // by the same process
    ASSERT_TRUE(again) << nth << ": " << describe(again.error());
    EXPECT_EQ(mail_in("mail1"), nth);
  }
  EXPECT_GT(failed, 10U);
}

// A checkpoint may come at any moment of a recovery: what it sees as settled it has to log.
TEST_F(some_partitions, a_recovery_tells_the_identities_of_records_before_it_settles_them) {
  leave(*attach("mail1").value(), "mail1", "k1");
  kill();
  const fs::handle directory = memory_.open_directory("/srv/mail1/.homeward-journal").value();
  const auto index = read_index(memory_, directory, "farm");
  ASSERT_TRUE(index);
  filed_marks marks = filed_marks::open(memory_, directory).value();
  settlements open_records(index->checkpoint);
  recovery r(memory_, directory, *index, trust::compare, marks, open_records);
  ASSERT_TRUE(r.collect());
  std::vector<std::uint64_t> logged;
  const maildir::partition where = open("mail1");
  const auto done = r.replay(
      where, [](const delivery_record&, std::size_t) { return logged_identity{.high = 77}; }, 5,
      [&](std::span<const logged_identity> identities) {
        EXPECT_EQ(open_records.open(), 1U) << "settled already";
        for (const logged_identity& i : identities) {
          logged.push_back(i.high);
        }
      });
  ASSERT_TRUE(done) << describe(done.error());
  EXPECT_EQ(logged, std::vector<std::uint64_t>{77});
  EXPECT_EQ(open_records.open(), 0U);
}

TEST_F(some_partitions, another_process_has_it) {
  ASSERT_TRUE(attach("mail1"));
  journal_table other(files_, clock_, {.farm = "farm"}, true, {});
  const auto refused = other.attach(open("mail1"), volume);
  ASSERT_FALSE(refused);
  EXPECT_NE(describe(refused.error()).find("another stored"), std::string::npos);
}

TEST_F(some_partitions, is_closed_when_nobody_holds_it) {
  auto held = attach("mail1").value();
  table_->close_unused();
  journal_table other(files_, clock_, {.farm = "farm"}, true, {});
  EXPECT_FALSE(other.attach(open("mail1"), volume));
  held.reset();
  table_->close_unused();
  const auto now = volume_journal::open(files_, clock_, "/srv/mail1/.homeward-journal",
                                        {.farm = "farm"}, [](const auto&, std::uint64_t) {});
  ASSERT_TRUE(now) << describe(now.error());
  EXPECT_TRUE((*now)->stop(std::chrono::seconds(60)));
}

TEST_F(some_partitions, mail_of_an_absent_one_is_parked_and_comes_back) {
  ASSERT_TRUE(attach("mail1"));
  leave(**attach("mail2"), "mail2", "k2");
  kill();
  start();
  const auto one = attach("mail1").value();
  clock_.advance(std::chrono::seconds(11));
  ASSERT_TRUE(attach("mail1")); // asks for a checkpoint
  ASSERT_TRUE(becomes([&] { return one->figures().unsettled == 0; }));
  kill();
  memory_.crash(fs::crash_keeps::nothing, 1);
  start();
  ASSERT_TRUE(attach("mail1"));
  EXPECT_EQ(mail_in("mail2"), 0U);
  ASSERT_TRUE(attach("mail2"));
  EXPECT_EQ(mail_in("mail2"), 1U);
  EXPECT_NE(std::find(recovered_.begin(), recovered_.end(), "1.k2.x"), recovered_.end());
}

// A recovery by itself, without the threads of a journal: mail of mail2 lies parked.
class parked_mail : public some_partitions {
 protected:
  parked_mail() {
    EXPECT_TRUE(attach("mail1"));
    leave(*attach("mail2").value(), "mail2", "k2");
    kill();
    begin();
    clock_.advance(std::chrono::seconds(11));
    EXPECT_TRUE(recovery_->park_rest(5));
  }
  // As after a kill: what was marked is marked.
  void begin() {
    directory_ = memory_.open_directory("/srv/mail1/.homeward-journal").value();
    index_ = read_index(memory_, directory_, "farm").value();
    marks_.emplace(filed_marks::open(memory_, directory_).value());
    if (!marks_->is_of("here")) {
      EXPECT_TRUE(marks_->forget("here", trust::compare));
    }
    open_records_.emplace(index_.checkpoint);
    recovery_.emplace(files_, directory_, index_, trust::compare, *marks_, *open_records_);
    EXPECT_TRUE(recovery_->collect());
  }
  result<replayed> replay() {
    const maildir::partition where = open("mail2");
    files_.reset();
    return recovery_->replay(
        where, [](const delivery_record&, std::size_t) { return logged_identity{}; }, 5,
        [](std::span<const logged_identity>) {});
  }
  void delete_mail() {
    const fs::handle in = memory_.open_directory("/srv/mail2/a.example/ann/Maildir/new").value();
    ASSERT_TRUE(memory_.unlink_at(in, memory_.list(in)->front().name));
  }

  fs::handle directory_;
  journal_index index_;
  std::optional<filed_marks> marks_;
  std::optional<settlements> open_records_;
  std::optional<recovery> recovery_;
};

TEST_F(parked_mail, that_cannot_be_read_now_is_not_given_up) {
  const maildir::partition where = open("mail2");
  const auto tell = [](const delivery_record&, std::size_t) { return logged_identity{}; };
  files_.reset();
  files_.plan({.kind = call::open_at, .error = EMFILE});
  EXPECT_FALSE(recovery_->replay(where, tell, 5, [](std::span<const logged_identity>) {}));
  EXPECT_TRUE(recovery_->emptied().empty()) << "it would be removed with the next checkpoint";
  ASSERT_TRUE(replay());
  EXPECT_EQ(recovery_->emptied().size(), 1U);
  EXPECT_EQ(mail_in("mail2"), 1U);
}

TEST_F(parked_mail, does_not_come_back_after_a_kill_when_a_reader_has_deleted_it) {
  ASSERT_TRUE(replay());
  ASSERT_EQ(mail_in("mail2"), 1U);
  delete_mail();
  begin();
  ASSERT_TRUE(replay());
  EXPECT_EQ(mail_in("mail2"), 0U);
  EXPECT_EQ(recovery_->emptied().size(), 1U) << "and its file is not needed any more";
}

TEST_F(parked_mail, stays_parked_until_what_was_filed_is_synced) {
  start();
  auto one = attach("mail1").value();
  ASSERT_TRUE(becomes([&] { return one->figures().checkpoints > 0 && at_rest(*one); }));
  files_.plan({.kind = call::sync_file_system});
  ASSERT_TRUE(attach("mail2"));
  EXPECT_EQ(mail_in("mail2"), 1U);
  ASSERT_TRUE(becomes([&] { return one->unusable().has_value(); }));
  EXPECT_EQ(list_parked(memory_, directory_, open("mail2").id())->size(), 1U);
}

TEST_F(some_partitions, marks_alone_are_believed_only_when_everybody_has_recovered) {
  ASSERT_TRUE(attach("mail1"));
  leave(*attach("mail2").value(), "mail2", "k2");
  kill();
  memory_.crash(fs::crash_keeps::everything, 1);
  const auto rest = [&] {
    const fs::handle directory = memory_.open_directory("/srv/mail1/.homeward-journal").value();
    return filed_marks::open(memory_, directory)->rest();
  };
  start();
  const auto one = attach("mail1").value();
  ASSERT_TRUE(becomes([&] { return one->figures().checkpoints > 0 && at_rest(*one); }));
  EXPECT_EQ(rest(), trust::compare) << "what mail2 has may be torn";
  ASSERT_TRUE(attach("mail2"));
  EXPECT_TRUE(becomes([&] { return rest() == trust::marks; }));
}

TEST_F(some_partitions, parked_mail_survives_a_disk_that_does_not_read_for_once) {
  ASSERT_TRUE(attach("mail1"));
  leave(**attach("mail2"), "mail2", "k2");
  kill();
  start();
  auto one = attach("mail1").value();
  clock_.advance(std::chrono::seconds(11));
  ASSERT_TRUE(attach("mail1"));
  ASSERT_TRUE(becomes([&] { return one->figures().unsettled == 0; }));
  for (unsigned nth = 1; nth < 60; ++nth) {
    const maildir::partition where = open("mail2");
    files_.plan({.nth = nth, .error = EMFILE});
    (void)table_->attach(where, volume);
    files_.reset();
    const std::uint64_t before = one->figures().checkpoints;
    ASSERT_TRUE(attach("mail1"));
    ASSERT_TRUE(becomes([&] { return one->figures().checkpoints > before || one->unusable(); }));
    if (one->unusable()) {
      one.reset();
      kill();
      start();
      ASSERT_TRUE(attach("mail1"));
      break;
    }
  }
  ASSERT_TRUE(attach("mail2"));
  EXPECT_EQ(mail_in("mail2"), 1U);
}

TEST_F(some_partitions, a_note_is_durable_when_it_is_written) {
  ASSERT_TRUE(write_note(open("mail2"), "/srv/mail1/.homeward-journal"));
  memory_.crash(fs::crash_keeps::nothing, 1);
  EXPECT_EQ(note_of("mail2"), "/srv/mail1/.homeward-journal");
}

TEST_F(some_partitions, a_bad_note_is_reported) {
  const fs::handle root = memory_.open_directory("/srv/mail1").value();
  ASSERT_TRUE(memory_.open_at(root, journal_note_name, fs::open_mode::create_new));
  const auto refused = attach("mail1");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().advice.find("absolute path"), std::string::npos);
}

} // namespace
} // namespace homeward::journal
