#pragma once
// A partition that is open now: the directory with its identity, what files into it, and the
// journal of its volume. Deliveries hold it by shared pointer, so that one under way survives the
// partition's removal from the settings.

#include <cstdint>
#include <memory>
#include <utility>

#include "lib/maildir/partition.hpp"
#include "lib/maildir/writer.hpp"

#include "stored/journal/volume_journal.hpp"
#include "stored/quota/quota_keeper.hpp"

namespace homeward::stored {

// Immutable; safe from any thread.
struct open_partition {
  // `settings` are those of `writer`; with a journal their recipe is `none`.
  open_partition(maildir::partition opened, std::uint64_t volume, maildir::filing_settings settings,
                 std::shared_ptr<journal::volume_journal> volume_journal = {})
      : where(std::move(opened)), device(volume), filing(settings),
        journal(std::move(volume_journal)), writer(where, settings),
        durable_writer(where, durable(settings)) {}
  open_partition(const open_partition&) = delete;
  open_partition& operator=(const open_partition&) = delete;

  const maildir::partition where;
  const std::uint64_t device; // of the volume: partitions with the same one share its workers
  const maildir::filing_settings filing;
  const std::shared_ptr<journal::volume_journal> journal; // null: every message is synced by itself
  maildir::writer writer;
  maildir::writer durable_writer; // for messages that are too large for the journal

 private:
  static maildir::filing_settings durable(maildir::filing_settings s) {
    if (s.recipe == maildir::sync_recipe::none) {
      s.recipe = maildir::sync_recipe::late;
    }
    return s;
  }
};

// What counting a mailbox in it needs; keeps it open.
[[nodiscard]] inline counted_place place_of(const std::shared_ptr<open_partition>& p) {
  return {std::shared_ptr<const maildir::partition>(p, &p->where), p->device};
}

} // namespace homeward::stored
