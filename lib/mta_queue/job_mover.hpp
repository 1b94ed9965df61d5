#pragma once
// Moves one job (qf, df, xf) from one queue directory of sendmail to another while sendmail runs on
// both. At every moment, and after a crash at any moment, the job can be delivered from exactly one
// of them, and never is there a qf whose df does not lie beside it: sendmail would deliver the
// words "No Message Collected" in place of the message.
//
// On one file system, with the lock of sendmail held from the first step to the last:
//   link df into the target, sync; rename qf without replacing, sync both; rename xf; unlink df.
// Many jobs share the three syncs: each step is done for all of them before the next.
// A crash leaves at most a second name of the df (leftovers.hpp takes it away).
// To another file system: copy df, sync; copy qf, sync; unlink qf, sync; unlink df. A crash between
// the last two steps but one leaves the job in both directories: it may then be delivered twice,
// never lost; the next move of it finds the two equal and ends what was begun.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/failure.hpp"
#include "lib/fs/file_system.hpp"
#include "lib/mta_queue/queue_directory.hpp"
#include "lib/mta_queue/queue_file.hpp"

namespace homeward::mta_queue {

enum class move_result : unsigned char {
  moved,
  unwanted, // the caller's condition says no (too young)
  locked,   // sendmail is at work on it: next time
  gone,     // delivered, or renewed, since the directory was listed
  skipped,  // something is wrong with this job; `why` says what, and what to do
  failed,   // the file system refused; `cause` says what. Others may fare no better
};

struct move_outcome {
  move_result result = move_result::moved;
  std::string why = {};     // skipped: a few words that group ("has no df"), for people
  failure cause = {};       // failed
  queue_file envelope = {}; // moved and unwanted: what was read
};

// Whether this job is to be moved; asked with the lock held.
using move_condition = std::function<bool(const queue_file&)>;

// Each costs an open file, and is locked for as long as they all take.
inline constexpr std::size_t most_at_once = 50;

// Threads: one moves; several movers, in this process or others, may work on the same directories.
class job_mover {
 public:
  // `runner` is the user id under which the runner of the target opens its queue: a copy to another
  // file system belongs to the caller, and sendmail refuses an envelope of somebody else.
  job_mover(fs::file_system& files, std::uint32_t runner) : files_(files), runner_(runner) {}

  // Moves jobs; the outcomes are in the order of `ids`. Blocks for three syncs, or on the way to
  // another file system for five a job; holds the locks of all of them meanwhile, so give it at
  // most `most_at_once`. The directories must be two different ones.
  [[nodiscard]] std::vector<move_outcome> move_some(const queue_directory& from,
                                                    const queue_directory& to,
                                                    std::span<const std::string> ids,
                                                    const move_condition& wanted);
  // The same for one.
  [[nodiscard]] move_outcome move(const queue_directory& from, const queue_directory& to,
                                  const std::string& id, const move_condition& wanted);

  // What move() would say, without a change. `moved` means that it would be tried.
  [[nodiscard]] move_outcome examine(const queue_directory& from, const std::string& id,
                                     const move_condition& wanted);

 private:
  fs::file_system& files_;
  std::uint32_t runner_;
};

} // namespace homeward::mta_queue
