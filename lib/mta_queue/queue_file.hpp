#pragma once
// The envelope of a message that waits in a queue of sendmail: a qf file, as sendmail 8.17 writes
// it (versions up to 8). One letter a line says what the line is; the headers are skipped; the last
// line is a single dot, and a file without it was not finished.
//
// What is in a qf file came from strangers: escape it before it is shown.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/failure.hpp"

namespace homeward::mta_queue {

struct queued_recipient {
  std::string address; // as sendmail has it, without the angle brackets: "ann@example.org", "ann"
  std::string status;  // what became of the last attempt ("Deferred: ..."); empty: not tried yet
};

struct queue_file {
  int version = 0;           // V
  std::int64_t created = 0;  // T: seconds since 1970. The file's own time changes at every run
  std::int64_t last_try = 0; // K; 0: never
  std::uint32_t tries = 0;   // N
  std::int64_t priority = 0; // P
  std::string sender;        // S, without angle brackets; empty: a bounce
  std::string status;        // M in front of the recipients: of the message as a whole
  std::string flags;         // F
  std::string quarantined;   // q: why, if it is
  bool has_data_elsewhere = false; // d, or the D of old versions: the df lies in another directory
  bool complete = false;           // ends with the line "."
  std::vector<queued_recipient> recipients; // R, in order
};

// The newest version that this code knows, and the only kinds of job it may move.
inline constexpr int newest_version = 8;

// Reads the text of a qf file. A permanent failure when it does not begin with a version; a text
// that breaks off is no failure, but not `complete`. `text` may be large; nothing of the headers is
// kept.
[[nodiscard]] result<queue_file> parse_queue_file(std::string_view text);

// What sendmail calls the file of a job: two letters and the id.
enum class file_kind : unsigned char {
  envelope,    // qf: waits
  quarantined, // hf: waits until somebody releases it
  lost,        // Qf: sendmail could not make sense of it
  data,        // df: the body
  transcript,  // xf
  temporary,   // tf: an envelope that is being written anew
  other,       // none of sendmail's
};

struct file_name {
  file_kind kind = file_kind::other;
  std::string_view id; // empty for `other`
};

[[nodiscard]] file_name parse_file_name(std::string_view name);
// The name of a job's file; `kind` must not be `other`.
[[nodiscard]] std::string name_of(file_kind kind, std::string_view id);

} // namespace homeward::mta_queue
