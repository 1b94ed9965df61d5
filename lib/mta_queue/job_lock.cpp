#include "lib/mta_queue/job_lock.hpp"

#include <cerrno>
#include <utility>

namespace homeward::mta_queue {

namespace {

job_lock failed(const fs::io_error& e) {
  if (e == ENOENT) {
    return {.result = lock_result::gone};
  }
  if (e == ELOOP) {
    return {.result = lock_result::odd, .why = "its qf is a symbolic link"};
  }
  return {.result = lock_result::failed, .cause = e};
}

} // namespace

job_lock lock_job(fs::file_system& files, const queue_directory& where, file_kind kind,
                  std::string_view id) {
  const std::string name = name_of(kind, id);
  auto opened = files.open_at(where.place_of(kind), name, fs::open_mode::read_write);
  if (!opened) {
    return failed(opened.error());
  }
  if (const auto locked = files.try_flock(*opened); !locked) {
    return locked.error() == EWOULDBLOCK ? job_lock{.result = lock_result::locked}
                                         : failed(locked.error());
  }
  const auto held = files.status(*opened);
  const auto named = files.status_at(where.place_of(kind), name);
  if (!held || !named) {
    return failed(held ? named.error() : held.error());
  }
  if (held->kind != fs::entry_kind::file) {
    return {.result = lock_result::odd, .why = "its qf is no file"};
  }
  // sendmail writes an envelope anew by renaming: the lock that was got is that of the old one.
  if (held->inode != named->inode || held->device != named->device) {
    return {.result = lock_result::gone};
  }
  if (held->links != 1) {
    return {.result = lock_result::odd, .why = "its qf has a second name"};
  }
  return {.file = std::move(*opened), .status = *held};
}

} // namespace homeward::mta_queue
