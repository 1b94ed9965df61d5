#pragma once
// A partition that is open now: the directory with its identity, and what files into it. Deliveries
// hold it by shared pointer, so that one under way survives the partition's removal from the
// settings.

#include <cstdint>
#include <utility>

#include "lib/maildir/partition.hpp"
#include "lib/maildir/writer.hpp"

namespace homeward::stored {

// Immutable; safe from any thread.
struct open_partition {
  open_partition(maildir::partition opened, std::uint64_t volume, maildir::filing_settings settings)
      : where(std::move(opened)), device(volume), writer(where, settings) {}
  open_partition(const open_partition&) = delete;
  open_partition& operator=(const open_partition&) = delete;

  const maildir::partition where;
  const std::uint64_t device; // of the volume: partitions with the same one share its workers
  maildir::writer writer;
};

} // namespace homeward::stored
