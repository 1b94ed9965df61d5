#pragma once
// A stored in miniature: the write path with its identities, its journals and two partitions of one
// volume, without sockets. What it is told is gone when it ends; what it promised must be found by
// the next one on the same file system.

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lib/fs/file_system.hpp"

#include "stored/delivery/delivery_service.hpp"
#include "stored/delivery/identity_map.hpp"
#include "stored/delivery/journal_records.hpp"
#include "stored/journal/journal_table.hpp"

namespace homeward::journal::test {

using store_protocol::outcome;

// What one client asks for.
struct wish {
  store_protocol::message_name name;
  std::string partition;
  std::vector<std::string> mailboxes;
  std::string octets;
};

inline journal_settings small_journal(std::chrono::nanoseconds checkpoint) {
  return {.farm = "farm",
          .segments = {.size = byte_count{smallest_segment}, .count = 3},
          .groups = {},
          .checkpoint = checkpoint,
          .wait_for_partitions = std::chrono::seconds(10),
          .identities = {}};
}

class miniature_store {
 public:
  miniature_store(fs::file_system& files, const clock_source& clock,
                  const journal_settings& settings, maildir::delivered_to header)
      : files_(files), header_(header), identities_(clock, {}),
        journals_(files, clock, settings, true, stored::memory_for_journals(identities_, clock)),
        deliveries_(identities_, clock, {.workers = 3, .per_partition = 2},
                    {.per_mailbox = 1000, .per_partition = 1000}) {}
  // As a stop that comes to its end: what waits is dropped, a last checkpoint is made. After a cut
  // of the power none of that reaches the file system.
  ~miniature_store() {
    EXPECT_TRUE(deliveries_.stop(limit));
    open_.clear();
    EXPECT_TRUE(journals_.stop(limit));
  }
  miniature_store(const miniature_store&) = delete;
  miniature_store& operator=(const miniature_store&) = delete;

  // What the keeper of the partition does: open it, and file what the journal holds for it.
  result<void> attach(const std::string& name) {
    auto opened = maildir::partition::open(files_, "/srv/" + name, name);
    if (!opened) {
      return opened.error();
    }
    const auto status = files_.status(opened->root());
    if (!status) {
      return fs::to_failure(status.error());
    }
    auto journal = journals_.attach(*opened, status->device);
    if (!journal) {
      return journal.error();
    }
    open_[name] = std::make_shared<stored::open_partition>(
        std::move(*opened), status->device,
        maildir::filing_settings{.recipe = maildir::sync_recipe::none,
                                 .header = header_,
                                 .taken = maildir::when_taken::is_repeat},
        *journal);
    return {};
  }
  [[nodiscard]] bool has(const std::string& name) const { return open_.contains(name); }
  // Of an open partition.
  [[nodiscard]] volume_journal& journal(const std::string& name) {
    return *open_.at(name)->journal;
  }

  // All at once; returns when every one is answered.
  std::vector<std::vector<outcome>> deliver(const std::vector<wish>& wishes) {
    std::vector<std::vector<outcome>> answers(wishes.size());
    std::mutex mutex;
    std::condition_variable answered;
    std::size_t open = wishes.size();
    for (std::size_t i = 0; i < wishes.size(); ++i) {
      (void)deliveries_.deliver(request(wishes[i]), [&, i](std::vector<outcome> all) {
        const std::lock_guard lock(mutex);
        answers[i] = std::move(all);
        --open;
        answered.notify_all();
      });
    }
    std::unique_lock lock(mutex);
    EXPECT_TRUE(answered.wait_for(lock, limit, [&] { return open == 0; })) << "no answer";
    return answers;
  }

  // A checkpoint that begins now; false when there was none (a fault keeps it from being made).
  bool checkpoint(const std::string& name) {
    for (int i = 0; i < 2; ++i) { // the first may have begun before
      const std::uint64_t before = journal(name).figures().checkpoints;
      if (!attach(name)) {
        return false;
      }
      const auto give_up = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
      while (journal(name).figures().checkpoints == before) {
        if (journal(name).unusable() || std::chrono::steady_clock::now() > give_up) {
          return false;
        }
        std::this_thread::sleep_for(std::chrono::microseconds(100));
      }
    }
    return true;
  }

 private:
  static constexpr std::chrono::seconds limit{60};

  stored::delivery_request request(const wish& w) {
    stored::delivery_request r;
    r.envelope.size = {w.octets.size()};
    r.envelope.name = w.name;
    r.envelope.partition = w.partition;
    r.envelope.sender = "s@x";
    r.envelope.has_sender = true;
    for (const std::string& mailbox : w.mailboxes) {
      r.envelope.recipients.push_back({.mailbox = mailbox});
    }
    r.message = std::make_shared<const fs::message_spool>(w.octets);
    r.partition = open_.at(w.partition);
    return r;
  }

  fs::file_system& files_;
  const maildir::delivered_to header_;
  stored::identity_map identities_;
  journal_table journals_;
  stored::delivery_service deliveries_;
  std::map<std::string, std::shared_ptr<stored::open_partition>> open_;
};

} // namespace homeward::journal::test
