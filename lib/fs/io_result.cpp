#include "lib/fs/io_result.hpp"

#include <cerrno>
#include <stdexcept>
#include <string>

namespace homeward::fs {

namespace {

const char* advice_for(int number) {
  switch (number) {
  case ELOOP:
    return "A symbolic link lies where a directory of the mail store belongs: see who made it, "
           "remove it.";
  case EXDEV: return "A path leads out of its partition: look for bind mounts and planted files.";
  case EACCES:
  case EPERM:
    return "The files belong to another user: one user has to own the partition, and this daemon "
           "has to run as that user.";
  case ENOTDIR: return "A file lies where a directory of the mail store belongs: move it away.";
  case EIO: return "The disk reports errors: look at dmesg, check the volume before going on.";
  case ESTALE: return "The volume was unmounted or its server lost it: mount it again.";
  default: return nullptr;
  }
}

} // namespace

failure to_failure(const io_error& e, std::string_view context) {
  failure f = failure_from_errno(e.number, e.operation);
  if (!context.empty()) {
    f.cause += " [" + std::string(context) + "]";
  }
  if (const char* advice = advice_for(e.number); advice != nullptr && f.advice.empty()) {
    f.advice = advice;
  }
  return f;
}

void throw_exception_from_error(const io_error& e, const boost::source_location& /*where*/) {
  throw std::logic_error(std::string("value asked of a failed call: ") + e.operation);
}

} // namespace homeward::fs
