#pragma once
// Files a message into the Maildirs of one partition. It stands between stored's delivery (or the
// bridge, for `path` homes) and lib/fs; what it promises is in docs/durability.md, its files in
// docs/format/partition.md.
//
// The file is complete before its name appears in new/: a reader never sees a part of a message.
// One file serves all mailboxes of a partition, by hard links. Name: <NAME>,S=<octets>,W=<octets
// with CRLF>, both exact. Content: "Return-Path: <sender>", by setting "Delivered-To: <mailbox>",
// then the message with every CRLF turned into LF. Lone CR, lone LF and NUL stay as they are.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/failure.hpp"
#include "lib/fs/message_spool.hpp"
#include "lib/maildir/partition.hpp"
#include "lib/maildir/shelf.hpp"

namespace homeward::maildir {

// How a delivery becomes durable before it is reported as filed;
// docs/decisions/0003-filing-recipe.md says why.
enum class sync_recipe : unsigned char {
  none,   // not at all: the caller does it (the journal of stored)
  late,   // data out, names given, one sync of the file last; relies on what ext4, xfs and btrfs do
  strict, // file synced, named, every changed directory synced; relies on POSIX only
};

// When "Delivered-To: <mailbox>" is written into the file.
enum class delivered_to : unsigned char {
  single, // when the transaction has one recipient in this partition: else the file is shared
  always, // every mailbox gets a file of its own
  never,
};

// What a file of the same name in new/ means. NAME holds a key of sender and content, so with equal
// content it is this same message, filed by an attempt whose answer was lost.
enum class when_taken : unsigned char {
  fail,      // transient failure: for a caller that never forgets what it has filed
  is_repeat, // if equal octet by octet, made durable and reported as filed; else transient failure
};

struct filing_settings {
  sync_recipe recipe = sync_recipe::late;
  delivered_to header = delivered_to::single;
  when_taken taken = when_taken::fail;
};

// One message to file. Views must stay valid during deliver().
struct filing {
  const fs::message_spool* message = nullptr; // as it came: CRLF line ends
  std::string_view name;                      // NAME: [A-Za-z0-9._-], at most 128, no leading dot
  std::string_view sender;                    // without angle brackets; empty: the null sender
};

// Where a message lies now.
struct filed {
  std::string file_name;  // in new/, with ,S= and ,W=
  std::uint64_t size = 0; // S: octets of the file
  bool repeat = false;    // it lay there already
};

// Threads: deliver() and withdraw() from any number of threads at once. The partition
// must outlive it.
class writer {
 public:
  writer(const partition& where, filing_settings settings);

  // One result per mailbox, in order. A mailbox that fails does not disturb the others; a mailbox
  // given twice (or two with the same Maildir) is filed once. What is reported as filed is durable
  // by the recipe; what is reported as failed is not visible (if even the removal fails, it is
  // complete and says so in the cause). A missing Maildir is made, with mode 0700, unless the
  // partition is a plain one. Failures: full, quota, temp (transient); perm for a mailbox that
  // cannot be a path. Memory: < 1 MiB.
  [[nodiscard]] std::vector<result<filed>> deliver(const filing& what,
                                                   std::span<const std::string> mailboxes);

  // Takes a filed message out again, wherever in new/ or cur/ a reader has put it since: for a
  // caller with recipe `none` whose own sync failed. Not found is success.
  [[nodiscard]] result<void> withdraw(std::string_view mailbox, std::string_view file_name);

 private:
  const partition* partition_;
  filing_settings settings_;
  shelf shelf_;
  std::atomic<bool> unnamed_files_{true}; // false once the volume has said that it has none
};

} // namespace homeward::maildir
