#pragma once
// Files a message again when the journal of stored is replayed after a crash. It stands beside
// writer: the same transaction gives the same files, with the same names and octets, but here they
// may lie there already: whole, damaged, or moved to cur/ by a reader.
//
// Restoring is idempotent. It may be interrupted at any point and begun anew; twice is as once.
// What an interruption leaves is a name in tmp/ that begins with temporary_prefix, which no reader
// shows and which readers remove after 36 hours. A reader never sees a part of a message.

#include <atomic>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/failure.hpp"
#include "lib/maildir/message_finder.hpp"
#include "lib/maildir/partition.hpp"
#include "lib/maildir/shelf.hpp"
#include "lib/maildir/writer.hpp"

namespace homeward::maildir {

// How far what the file system shows can be trusted.
enum class restore_mode : unsigned char {
  look,    // the page cache has lived on: what is there by its name is whole
  compare, // after a power cut: it is there if it has the right octets, and is replaced if not
  rewrite, // a sync has failed: what can be read may not be on the disk; all is written anew
};

struct restored {
  enum class how : unsigned char {
    was_there, // and was left alone; also if a reader has removed it while we looked
    filed,     // it was absent, and lies in new/ now
    replaced,  // in new/, or in cur/ with its flags
  };
  std::string file_name; // as writer gives it, without a reader's flags
  how what = how::was_there;
};

// One thread. The partition must outlive it. Keep one for a whole recovery: it remembers what the
// Maildirs hold (message_finder.hpp), which is right as long as nobody else puts messages into
// them.
class restorer {
 public:
  static constexpr std::string_view temporary_prefix = "restore.";

  explicit restorer(const partition& where);

  // `mailboxes` are all of the transaction in this partition, as writer::deliver() got them,
  // because the header lines depend on their number; `wanted` are the indexes of those that are to
  // have the message, and there is one result for each of them, in their order. A missing Maildir
  // is made, as writer does, also one of which a power cut has left a part. Nothing is synced: the
  // caller does that for the whole volume when it is through.
  //
  // Failures: those of writer::deliver(). A mailbox that fails does not disturb the others;
  // whatever it had before is still there. Memory: < 1 MiB and that of message_finder.
  [[nodiscard]] std::vector<result<restored>> restore(const filing& what, delivered_to header,
                                                      std::span<const std::string> mailboxes,
                                                      std::span<const std::size_t> wanted,
                                                      restore_mode mode);

 private:
  const partition* partition_;
  shelf shelf_;
  message_finder finder_;
  std::atomic<bool> unnamed_files_{true}; // false once the volume has said that it has none
};

} // namespace homeward::maildir
