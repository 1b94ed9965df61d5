// Random programs over the whole write path: deliveries, repeats and readers on two partitions of
// one volume; kills, power cuts and errors at random calls, in deliveries, checkpoints and
// recoveries; partitions that are absent for a while; full disks. After each of them the ledger is
// held against the Maildirs.
//
// HOMEWARD_JOURNAL_PROGRAMS: how many programs (default 200). HOMEWARD_JOURNAL_SEED: only this one,
// ten times over, since threads make no two runs quite alike.

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include "lib/fs/faulty_file_system.hpp"
#include "lib/fs/forgetting_file_system.hpp"

#include "tests/unit/journal_volume/ledger.hpp"
#include "tests/unit/journal_volume/miniature_store.hpp"
#include "tests/unit/stored/manual_clock.hpp"

namespace homeward::journal {
namespace {

using fs::call;
using fs::crash_keeps;

const std::map<std::string, std::vector<std::string>> mailboxes = {
    {"mail1", {"ann@a.example", "bob@a.example", "cid@b.example"}},
    {"mail2", {"dan@c.example", "eve@c.example"}}};

// What happened, so that a test cannot pass by doing nothing.
struct tally {
  int acknowledged = 0;
  int refused = 0;
  int repeats = 0;
  int apart = 0;
  int kills = 0;
  int cuts = 0;
  int cut_recoveries = 0;
  int deleted = 0;

  tally& operator+=(const tally& t) {
    acknowledged += t.acknowledged;
    refused += t.refused;
    repeats += t.repeats;
    apart += t.apart;
    kills += t.kills;
    cuts += t.cuts;
    cut_recoveries += t.cut_recoveries;
    deleted += t.deleted;
    return *this;
  }
};

class story {
 public:
  explicit story(std::uint64_t seed)
      : chance_(seed),
        header_(std::array{maildir::delivered_to::single, maildir::delivered_to::always,
                           maildir::delivered_to::never}[below(3)]) {
    for (const auto& [name, users] : mailboxes) {
      memory_.make_directories("/srv/" + name);
      EXPECT_TRUE(maildir::partition::initialise(memory_, "/srv/" + name, {.name = name}, {}));
    }
  }

  std::vector<std::string> run() {
    for (std::size_t life = 2 + below(4); life > 0 && wrong_.empty(); --life) {
      begin_life();
      if (wrong_.empty()) {
        live();
        end_life();
      }
    }
    if (wrong_.empty()) {
      last_life();
    }
    return wrong_;
  }
  [[nodiscard]] const tally& done() const { return done_; }

 private:
  std::size_t below(std::size_t limit) { return chance_() % limit; }
  bool one_in(std::size_t n) { return below(n) == 0; }

  // --- The process ----------------------------------------------------------------------

  void start() {
    using namespace std::chrono_literals;
    const std::chrono::nanoseconds interval = one_in(2) ? 1h : std::chrono::nanoseconds(1ms);
    store_.emplace(files_, clock_, test::small_journal(interval), header_);
  }

  void kill() {
    files_.cut_power_at(1);
    store_.reset();
    files_.reset();
    ++done_.kills;
  }

  void cut_power() {
    files_.cut_power_at(1);
    store_.reset();
    files_.reset();
    memory_.crash(std::array{crash_keeps::nothing, crash_keeps::anything, crash_keeps::anything,
                             crash_keeps::everything}[below(4)],
                  chance_());
    cut_ = {"mail1", "mail2"};
    disturbed_ = false;
    ++done_.cuts;
  }

  void end_life() {
    switch (below(5)) {
    case 0:
      store_.reset();
      files_.reset();
      break;
    case 1:
    case 2: kill(); break;
    default: cut_power(); break;
    }
  }

  // --- Recovery -------------------------------------------------------------------------

  // Some attempts that come to nothing, then one that succeeds.
  void begin_life() {
    for (std::size_t n = one_in(2) ? below(4) : 0; n > 0; --n) {
      disturbed_start();
    }
    start();
    const bool full = one_in(6);
    if (full) {
      const fs::handle root = memory_.open_directory("/srv").value();
      const fs::volume_space now = memory_.space(root).value();
      memory_.set_capacity({now.total.octets - now.free.octets + below(200000)});
    }
    attach("mail1", full);
    if (full) { // somebody makes room
      memory_.set_capacity(1024_GiB);
    }
    if (one_in(5)) { // mail2 is absent
      clock_.advance(std::chrono::seconds(11));
      (void)store_->checkpoint("mail1");
      judge({"mail1"});
      if (one_in(2)) {
        return;
      }
    }
    attach("mail2", false);
    judge({"mail1", "mail2"});
  }

  void attach(const std::string& name, bool full) {
    result<void> attached = store_->attach(name);
    if (!attached && full) {
      memory_.set_capacity(1024_GiB);
      attached = store_->attach(name);
    }
    if (!attached) {
      wrong_.push_back(name + " does not come up: " + describe(attached.error()));
    }
  }

  // Is cut, killed, or meets an error, at any call.
  void disturbed_start() {
    ++done_.cut_recoveries;
    const auto nth = static_cast<unsigned>(1 + below(150));
    const bool error = one_in(4);
    if (error) {
      plan_fault(nth);
    } else {
      files_.cut_power_at(nth);
    }
    start();
    for (const auto& [name, users] : mailboxes) {
      if (store_->attach(name) && one_in(3)) {
        (void)store_->checkpoint(name);
      }
    }
    one_in(2) ? kill() : cut_power();
  }

  void plan_fault(unsigned nth) {
    constexpr std::array errors = {EIO, ENOSPC, EDQUOT, EMFILE, EACCES};
    fs::fault f{.nth = nth, .error = errors[below(errors.size())], .short_write = below(5000)};
    if (one_in(3)) {
      f.kind = std::array{call::sync_data, call::sync_file_system, call::write, call::sync_all,
                          call::unlink_at}[below(5)];
      f.nth = static_cast<unsigned>(1 + below(6));
    }
    f.for_ever = one_in(5);
    files_.plan(f);
    disturbed_ = true;
  }

  void judge(const std::set<std::string>& partitions) {
    if (!wrong_.empty()) {
      return;
    }
    for (const std::string& partition : partitions) {
      const bool cut = cut_.erase(partition) > 0;
      ledger_.judge(memory_, partition, {.cut = cut, .disturbed = disturbed_}, wrong_);
    }
  }

  // --- Life -----------------------------------------------------------------------------

  void live() {
    for (std::size_t n = 1 + below(4); n > 0 && !files_.power_is_cut(); --n) {
      if (one_in(5)) {
        plan_fault(static_cast<unsigned>(1 + below(80)));
      }
      if (n == 1 && one_in(2)) {
        files_.cut_power_at(static_cast<unsigned>(1 + below(120)));
      }
      deliver(1 + below(6));
      if (!files_.power_is_cut()) {
        read();
      }
      if (one_in(3) && !files_.power_is_cut() && !disturbed_) {
        make_checkpoint();
      }
    }
  }

  void deliver(std::size_t count) {
    std::vector<test::wish> wishes;
    for (std::size_t i = 0; i < count; ++i) {
      test::wish w = !sent_.empty() && one_in(3) ? repeat(sent_[below(sent_.size())]) : invent();
      if (store_->has(w.partition)) {
        wishes.push_back(std::move(w));
      }
    }
    deliver(wishes);
  }

  test::wish invent() {
    const auto partition = std::next(mailboxes.begin(), static_cast<std::ptrdiff_t>(below(2)));
    test::wish w{
        .name = {.seconds = 1000000, .key = fmt::format("k{}", sent_.size()), .origin = "mx"},
        .partition = partition->first,
        .mailboxes = {},
        .octets = some_message()};
    for (std::size_t n = 1 + below(4); n > 0; --n) {
      w.mailboxes.push_back(partition->second[below(partition->second.size())]);
    }
    if (is_apart(w)) {
      w.mailboxes.resize(1); // a leftover of it can be known again only with the same header lines
      ++done_.apart;
    }
    ledger_.sent(w.name.key, w.mailboxes, w.octets);
    sent_.push_back(w);
    return w;
  }

  // The sender comes again, perhaps under a later name.
  test::wish repeat(test::wish w) {
    if (!is_apart(w)) {
      w.name.seconds += below(3);
    }
    return w;
  }

  static bool is_apart(const test::wish& w) { return w.octets.size() > smallest_segment / 5; }

  std::string some_message() {
    std::string octets = "Subject: x\r\n\r\n";
    const std::size_t size = one_in(25) ? 300000 : one_in(4) ? below(40000) : below(1000);
    while (octets.size() < size) {
      octets.append(below(900), static_cast<char>('a' + below(26)));
      octets += std::array{"\r\n", "\n", "\r\n\r\n", "\r\r\n"}[below(4)];
    }
    return octets;
  }

  void deliver(const std::vector<test::wish>& wishes) {
    const auto answers = store_->deliver(wishes);
    std::map<test::delivery_key, std::vector<bool>> told; // of each: whether it was a repeat
    std::set<test::delivery_key> before;
    for (const auto& [id, p] : ledger_.all()) {
      if (p.acknowledged) {
        before.insert(id);
      }
    }
    for (std::size_t i = 0; i < wishes.size(); ++i) {
      for (std::size_t r = 0; r < wishes[i].mailboxes.size(); ++r) {
        const outcome& o = answers[i][r];
        const test::delivery_key id{wishes[i].name.key, wishes[i].mailboxes[r]};
        if (!o) {
          ++done_.refused;
          refused(wishes[i], ledger_.of(id.first, id.second));
          continue;
        }
        done_.repeats += o->repeat ? 1 : 0;
        done_.acknowledged += o->repeat ? 0 : 1;
        test::promise& p = ledger_.of(id.first, id.second);
        const bool forgotten = before.contains(id) && !o->repeat;
        if (forgotten && is_apart(wishes[i]) && p.reader != test::promise::state::present) {
          p.reader = test::promise::state::present; // only its file could tell after a power cut
        } else if (forgotten) {
          wrong_.push_back("not known as a repeat: " + id.first + " for " + id.second);
        }
        p.acknowledged = true;
      }
    }
  }

  // After a power cut only its file can tell of a message apart. If a reader has deleted it, a
  // repeat is a delivery like any other, and may leave a copy when it fails.
  static void refused(const test::wish& w, test::promise& p) {
    if (is_apart(w) && p.reader != test::promise::state::present) {
      p = {};
    }
  }

  // Somebody reads and deletes mail that was acknowledged.
  void read() {
    for (const auto& [partition, users] : mailboxes) {
      if (!store_->has(partition)) {
        continue;
      }
      const fs::handle root = memory_.open_directory("/srv/" + partition).value();
      for (const test::visible_copy& c : ledger_.look(memory_, partition, wrong_)) {
        test::promise& p = ledger_.of(c.key, c.mailbox);
        if (p.acknowledged && one_in(4)) {
          touch(root, c, p);
        }
      }
    }
  }

  void touch(const fs::handle& root, const test::visible_copy& c, test::promise& p) {
    const std::size_t slash = c.path.rfind('/');
    const std::string folder = c.path.substr(0, slash);
    const std::string file = c.path.substr(slash + 1);
    const fs::handle in = memory_.open_at(root, folder, fs::open_mode::directory).value();
    if (one_in(2)) {
      EXPECT_TRUE(memory_.unlink_at(in, file));
      p.reader = test::promise::state::deleted;
      p.strict = !disturbed_;
      ++done_.deleted;
    } else if (folder.ends_with("/new")) {
      const std::string cur = folder.substr(0, folder.size() - 3) + "cur";
      const auto seen = memory_.open_at(root, cur, fs::open_mode::directory);
      if (seen) { // else a power cut has left a part of the Maildir
        EXPECT_TRUE(memory_.rename_at(in, file, *seen, file + ":2,S", fs::on_existing::refuse));
      }
    } else {
      EXPECT_TRUE(memory_.rename_at(in, file, in, file + "T", fs::on_existing::refuse));
    }
  }

  // What was deleted before it stays deleted, whatever comes.
  void make_checkpoint() {
    if (!store_->has("mail1") || !store_->has("mail2") || !store_->checkpoint("mail1")) {
      return;
    }
    for (const auto& [id, p] : ledger_.all()) {
      if (p.reader == test::promise::state::deleted) {
        ledger_.of(id.first, id.second).reader = test::promise::state::deleted_for_good;
      }
    }
  }

  // Everybody who was refused comes again, and is served; everybody else is known.
  void last_life() {
    for (int round = 0; round < 2 && wrong_.empty(); ++round) {
      start();
      attach("mail1", false);
      attach("mail2", false);
      judge({"mail1", "mail2"});
      if (!wrong_.empty()) {
        return;
      }
      for (const test::wish& w : sent_) {
        deliver({repeat(w)});
      }
      for (const auto& [id, p] : ledger_.all()) {
        if (!p.acknowledged) {
          wrong_.push_back("refused for ever: " + id.first + " for " + id.second);
        }
      }
      judge({"mail1", "mail2"});
      round == 0 && one_in(2) ? kill() : cut_power();
    }
    start();
    attach("mail1", false);
    attach("mail2", false);
    judge({"mail1", "mail2"});
    store_.reset();
  }

  using outcome = store_protocol::outcome;

  std::mt19937_64 chance_;
  const maildir::delivered_to header_;
  stored::test::manual_clock clock_;
  fs::forgetting_file_system memory_;
  fs::faulty_file_system files_{memory_};
  test::ledger ledger_{mailboxes};
  std::vector<test::wish> sent_;
  std::optional<test::miniature_store> store_;
  std::set<std::string> cut_; // partitions that were not judged since the power was cut
  bool disturbed_ = false;    // by an error, since the last power cut
  std::vector<std::string> wrong_;
  tally done_;
};

std::uint64_t number_in(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(write_path_property, what_was_acknowledged_is_there_once_and_whole) {
  const auto lowest = spdlog::get_level();
  const std::uint64_t programs = number_in("HOMEWARD_JOURNAL_PROGRAMS", 200);
  const std::uint64_t only = number_in("HOMEWARD_JOURNAL_SEED", UINT64_MAX);
  if (only == UINT64_MAX) {
    spdlog::set_level(spdlog::level::off); // thousands of planned errors
  }
  tally all;
  int failed = 0;
  for (std::uint64_t i = 0; i < (only == UINT64_MAX ? programs : 10); ++i) {
    const std::uint64_t seed = only == UINT64_MAX ? i : only;
    story s(seed);
    const std::vector<std::string> wrong = s.run();
    all += s.done();
    if (!wrong.empty()) {
      ADD_FAILURE() << "HOMEWARD_JOURNAL_SEED=" << seed << "\n  "
                    << fmt::format("{}", fmt::join(wrong, "\n  "));
      if (++failed == 5) {
        break;
      }
    }
  }
  spdlog::set_level(lowest);
  if (only == UINT64_MAX && programs >= 200) {
    EXPECT_GT(all.acknowledged, 2000);
    EXPECT_GT(all.refused, 300);
    EXPECT_GT(all.repeats, 1000);
    EXPECT_GT(all.apart, 50);
    EXPECT_GT(all.kills, 200);
    EXPECT_GT(all.cuts, 400);
    EXPECT_GT(all.cut_recoveries, 200);
    EXPECT_GT(all.deleted, 300);
  }
}

} // namespace
} // namespace homeward::journal
