#pragma once
// A job of sendmail's queue, locked as sendmail locks it and found whole: what has to be true
// before anybody else may touch its files.

#include <string>
#include <string_view>

#include "lib/fs/file_system.hpp"
#include "lib/mta_queue/queue_directory.hpp"
#include "lib/mta_queue/queue_file.hpp"

namespace homeward::mta_queue {

enum class lock_result : unsigned char { held, locked, gone, odd, failed };

struct job_lock {
  lock_result result = lock_result::held;
  std::string why = {}; // odd
  fs::io_error cause{}; // failed
  fs::handle file = {}; // held: the envelope; closing it lets go
  fs::file_status status = {};
};

// Opens the envelope (qf, hf or Qf) and locks it, without waiting; then makes sure that the name
// still means the file that was locked, and that it has only this name.
[[nodiscard]] job_lock lock_job(fs::file_system& files, const queue_directory& where,
                                file_kind kind, std::string_view id);

} // namespace homeward::mta_queue
