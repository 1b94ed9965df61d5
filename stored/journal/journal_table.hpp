#pragma once
// The journals that this process has, one for each volume. A journal lies in the directory
// ".homeward-journal" of the first partition of its volume; every other partition of that volume
// holds the note ".homeward-journal-at" with the path, so that mail in the journal is found
// whatever the settings say at the next start.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "lib/maildir/partition.hpp"

#include "stored/journal/directory_layout.hpp"
#include "stored/journal/volume_journal.hpp"

namespace homeward::journal {

// Who remembers what was delivered. Called from the threads that attach partitions.
struct identity_memory {
  identity_visitor known;     // of the logs
  stored_recipient recovered; // of the records that are replayed
};

// Safe from any thread.
class journal_table {
 public:
  // `in_use`: false for a stored that runs without journal. What an earlier run left in one is
  // filed all the same. `files` and `clock` must outlive it.
  journal_table(fs::file_system& files, const clock_source& clock, journal_settings settings,
                bool in_use, identity_memory memory);

  // Opens the journal of the partition's volume if it is not open, and files what it holds for the
  // partition. Blocks; the partitions of other volumes do not wait. Null without journal. The
  // failure is transient and tells what to do; calling again goes on.
  [[nodiscard]] result<std::shared_ptr<volume_journal>> attach(const maildir::partition& where,
                                                               std::uint64_t device);
  // Closes journals that no partition holds any more, so that their volumes can be unmounted.
  void close_unused();
  void set_limits(std::chrono::nanoseconds checkpoint, identity_retention identities);

  // False when something hangs after `limit`: see volume_journal::stop().
  [[nodiscard]] bool stop(std::chrono::nanoseconds limit);

 private:
  struct volume {
    std::mutex mutex; // held while its journal is opened and joined
    std::shared_ptr<volume_journal> journal;
  };
  [[nodiscard]] std::shared_ptr<volume> volume_of(std::uint64_t device);
  [[nodiscard]] result<std::shared_ptr<volume_journal>> open(const std::string& directory);
  [[nodiscard]] result<void> join(volume_journal& journal, const maildir::partition& where);
  [[nodiscard]] result<void> make_own(const maildir::partition& where);
  [[nodiscard]] bool lies_elsewhere(const std::string& directory,
                                    const maildir::partition& where) const;
  [[nodiscard]] result<std::shared_ptr<volume_journal>> find_open(const std::string& directory,
                                                                  const volume& own);
  [[nodiscard]] result<void> recover_other(const maildir::partition& where,
                                           const std::string& directory, const volume& own);
  [[nodiscard]] result<void> remove_directory(const maildir::partition& where);

  fs::file_system& files_;
  const clock_source& clock_;
  const bool in_use_;
  const identity_memory memory_;
  std::mutex mutex_; // guards both below
  journal_settings settings_;
  std::map<std::uint64_t, std::shared_ptr<volume>> volumes_; // by device
};

} // namespace homeward::journal
