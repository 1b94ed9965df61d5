#pragma once
// The journal of one volume as the write path sees it: append a delivery, be told when it is
// durable, say when it is settled. Inside: the commit thread, the checkpoint thread, recovery, and
// the directory on disk that they share. docs/durability.md says what it promises,
// docs/format/journal.md what lies in the directory.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/base/clock.hpp"
#include "lib/base/failure.hpp"
#include "lib/fs/file_system.hpp"
#include "lib/maildir/partition.hpp"

#include "stored/journal/directory_layout.hpp"
#include "stored/journal/identity_log.hpp"
#include "stored/journal/journal_writer.hpp"
#include "stored/journal/recovery.hpp"

namespace homeward::journal {

struct journal_settings {
  std::string farm;
  segment_sizes segments;
  group_limits groups;
  std::chrono::nanoseconds checkpoint = std::chrono::seconds(5); // at most between two, under load
  // A partition that has not come up by then has its records parked.
  std::chrono::nanoseconds wait_for_partitions = std::chrono::seconds(10);
  identity_retention identities;
};

struct journal_figures {
  writer_figures writer;
  std::size_t unsettled = 0; // records that would be replayed if the machine died now
  std::uint64_t checkpoints = 0;
  std::chrono::nanoseconds longest_checkpoint{};
  bool checkpoint_due = false; // something was settled or replayed since the last one
};

// Safe from any thread.
class volume_journal {
 public:
  // Opens the journal in `directory` (absolute; it exists) for this process alone, and reads what
  // recovery has to do; nothing is filed yet. `known`: called for every identity of the log, before
  // this returns. Fails, with file, offset and advice, when another process has it, when it is
  // damaged, from another farm or a newer version, or when its space cannot be reserved. `files`
  // and `clock` must outlive it.
  [[nodiscard]] static result<std::shared_ptr<volume_journal>>
  open(fs::file_system& files, const clock_source& clock, const std::string& directory,
       const journal_settings& settings, const identity_visitor& known);
  // Stops without waiting.
  ~volume_journal();
  volume_journal(const volume_journal&) = delete;
  volume_journal& operator=(const volume_journal&) = delete;

  // Files what the journal holds for the partition: before anybody delivers to it. Blocks. `tell`
  // as in recovery.hpp. After a failure it may be called again and goes on.
  [[nodiscard]] result<replayed> join(const maildir::partition& where,
                                      const stored_recipient& tell);

  // Why it takes nothing any more, if so: it has failed, or stops.
  [[nodiscard]] std::optional<failure> unusable() const;
  // Whether the record may hold its message; else the message is to be filed first and recorded as
  // `apart`.
  [[nodiscard]] bool fits(const delivery_record& r) const;

  // `tell` is called once, on the commit thread or on this one. The lane is the partition's id.
  void append(delivery_record r, std::shared_ptr<const void> keep, committed tell);
  void append(abort_record r, committed tell);

  // Every recipient of the record is filed or aborted, and none was answered yet. `stored`: the
  // identities of those that are filed.
  void settle(record_number n, std::span<const logged_identity> stored);

  void set_limits(std::chrono::nanoseconds checkpoint, identity_retention identities);
  [[nodiscard]] journal_figures figures() const;
  [[nodiscard]] const std::string& directory() const; // absolute, for messages

  // A last checkpoint, then the end. False when something hangs after `limit`: the process should
  // then end without destroying anything.
  [[nodiscard]] bool stop(std::chrono::nanoseconds limit);

 private:
  struct impl;
  explicit volume_journal(std::shared_ptr<impl> i) : impl_(std::move(i)) {}
  std::shared_ptr<impl> impl_;
};

} // namespace homeward::journal
