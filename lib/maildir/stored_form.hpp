#pragma once
// A message in the form in which it lies in a Maildir: trace lines first, every CRLF turned
// into LF, all other octets as they came. The two sizes in the file name are counted here,
// while it passes.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "lib/fs/file_system.hpp"
#include "lib/fs/message_spool.hpp"

namespace homeward::maildir {

// Turns CRLF into LF over pieces cut anywhere. A lone CR or LF stays. One thread at a time.
class line_end_filter {
 public:
  // Adds what is certain of `piece` to `out`; a CR at its end is held back.
  void append_to(std::string& out, std::string_view piece);
  // Adds a CR still held back. Call once, at the end.
  void finish(std::string& out);

  // LF in the output without a CR before it: what W counts on top of S.
  [[nodiscard]] std::uint64_t bare_line_feeds() const { return bare_; }

 private:
  std::uint64_t bare_ = 0;
  char last_ = '\0'; // the last octet put out
  bool held_cr_ = false;
};

struct stored_size {
  std::uint64_t octets = 0; // S
  std::uint64_t wire = 0;   // W: with every line end as CRLF, as a reader announces it
};

// Takes the stored form piece by piece, in order; a failure ends the walk.
using stored_piece_taker = std::function<result<void>(std::string_view piece)>;

// Gives `trace` (whole lines ending in LF) and then the message to `take`. Memory: less than 1 MiB,
// whatever the size.
[[nodiscard]] result<stored_size> walk_stored_form(std::string_view trace,
                                                   const fs::message_spool& message,
                                                   const stored_piece_taker& take);

// Writes it from the start of `file`. Not synced.
[[nodiscard]] result<stored_size> write_stored_form(fs::file_system& files, const fs::handle& file,
                                                    std::string_view trace,
                                                    const fs::message_spool& message);

// The sizes alone; fails only as the spool fails.
[[nodiscard]] result<stored_size> measure_stored_form(std::string_view trace,
                                                      const fs::message_spool& message);

// Whether `file` holds the stored form and nothing else. Errors are those of reading the file; a
// spool that cannot be read counts as EIO of "spool".
[[nodiscard]] fs::io_result<bool> holds_stored_form(fs::file_system& files, const fs::handle& file,
                                                    std::string_view trace,
                                                    const fs::message_spool& message);

// "<NAME>,S=<octets>,W=<octets with CRLF>": exact figures, or a reader cuts mail off
// (docs/format/partition.md).
[[nodiscard]] std::string file_name_for(std::string_view name, const stored_size& size);

} // namespace homeward::maildir
