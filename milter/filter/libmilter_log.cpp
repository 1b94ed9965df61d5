#include "milter/filter/libmilter_log.hpp"

#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <string>

#include "lib/base/log.hpp"

namespace homeward::milter {

namespace {

// The priorities of syslog(3); <syslog.h> itself would declare what is defined below.
constexpr int priority_mask = 7;
constexpr int priority_error = 3;
constexpr int priority_warning = 4;
constexpr int priority_notice = 5;

std::atomic<log_queue*> the_lines{nullptr};

log::level level_of(int priority) {
  const int p = priority & priority_mask;
  if (p <= priority_error) {
    return log::level::error;
  }
  if (p == priority_warning) {
    return log::level::warning;
  }
  return p == priority_notice ? log::level::notice : log::level::debug;
}

void write_down(int priority, const char* format, std::va_list values) {
  char text[512] = {};
  std::vsnprintf(text, sizeof text, format, values);
  const auto write_line = [level = level_of(priority), line = std::string(text)] {
    log::write(level, "libmilter", {{"says", line}});
  };
  if (log_queue* lines = the_lines) {
    lines->post(write_line);
  } else {
    write_line();
  }
}

} // namespace

void take_over_libmilter_log(log_queue& lines) {
  the_lines = &lines;
}

} // namespace homeward::milter

// The program's definitions go before those of the C library, for libmilter too. Debian builds it
// with the checking variant.
extern "C" {
void syslog(int priority, const char* format, ...);
void __syslog_chk(int priority, int flag, const char* format, ...);

void syslog(int priority, const char* format, ...) {
  std::va_list values;
  va_start(values, format);
  homeward::milter::write_down(priority, format, values);
  va_end(values);
}

void __syslog_chk(int priority, int /*flag*/, const char* format, ...) {
  std::va_list values;
  va_start(values, format);
  homeward::milter::write_down(priority, format, values);
  va_end(values);
}
}
