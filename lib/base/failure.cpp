#include "lib/base/failure.hpp"

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "lib/base/escape.hpp"

namespace homeward {

failure transient_failure(std::string what, std::string cause, std::string advice) {
  return failure{.kind = failure_kind::transient,
                 .reason = failure_reason::temp,
                 .what = std::move(what),
                 .cause = std::move(cause),
                 .advice = std::move(advice)};
}

failure permanent_failure(failure_reason reason, std::string what, std::string cause) {
  return failure{.kind = failure_kind::permanent,
                 .reason = reason,
                 .what = std::move(what),
                 .cause = std::move(cause)};
}

failure unknown_outcome(std::string what, std::string cause) {
  return failure{.kind = failure_kind::unknown_outcome,
                 .reason = failure_reason::temp,
                 .what = std::move(what),
                 .cause = std::move(cause)};
}

failure failure_from_errno(int error_number, std::string_view operation) {
  failure f;
  f.cause = std::string(operation) + ": " + std::generic_category().message(error_number);
  switch (error_number) {
  case ENOSPC:
    f.reason = failure_reason::full;
    f.what = "no space left on the volume";
    f.advice = "Free space or inodes on this volume; delivery resumes by itself.";
    break;
  case EDQUOT:
    f.reason = failure_reason::quota;
    f.what = "the file system quota is exhausted";
    f.advice = "Raise the file system quota of the partition; delivery resumes by itself.";
    break;
  case EROFS:
    f.what = "the volume is read-only";
    f.advice = "The kernel may have remounted it after an error: look at dmesg, repair, remount.";
    break;
  case EMFILE:
  case ENFILE:
    f.what = "out of file descriptors";
    f.advice = "Raise LimitNOFILE of the unit.";
    break;
  default: f.what = "storage fault"; break;
  }
  return f;
}

std::string describe(const failure& f) {
  std::string text = f.what;
  if (!f.cause.empty()) {
    text += " (" + f.cause + ")";
  }
  if (!f.advice.empty()) {
    text += ". " + f.advice;
  }
  return escape(text, 1000);
}

void throw_exception_from_error(const failure& f, const boost::source_location& /*where*/) {
  throw std::logic_error("value asked of a failure: " + f.what);
}

} // namespace homeward
