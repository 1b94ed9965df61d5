#include "lib/base/log.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <unistd.h>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "lib/base/escape.hpp"

namespace homeward::log {
namespace {

spdlog::level::level_enum to_spdlog(level l) {
  switch (l) {
  case level::debug: return spdlog::level::debug;
  case level::info: return spdlog::level::info;
  case level::notice: return spdlog::level::info;
  case level::warning: return spdlog::level::warn;
  case level::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

// sd-daemon(3): "<N>" before a line on standard error gives its priority in the journal.
std::string_view journal_prefix(level l) {
  switch (l) {
  case level::debug: return "<7>";
  case level::info: return "<6>";
  case level::notice: return "<5>";
  case level::warning: return "<4>";
  case level::error: return "<3>";
  }
  return "<6>";
}

bool to_journal() {
  static const bool answer = std::getenv("JOURNAL_STREAM") != nullptr;
  return answer;
}

constexpr std::size_t longest_text = 512;
constexpr std::size_t usual_line = 384;

bool needs_no_care(std::string_view text) {
  return !text.empty() && text.size() <= longest_text &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return c > ' ' && c <= '~' && c != '"' && c != '=' && c != '\\';
         });
}

void append_quoted(std::string& line, std::string_view text) {
  line += '"';
  for (const char c : text) {
    if (c == '"') {
      line += '\\';
    }
    line += c;
  }
  line += '"';
}

} // namespace

void field::append_to(std::string& line) const {
  const std::string_view text = own_.empty() ? text_ : std::string_view(own_);
  line += key_;
  line += '=';
  if (needs_no_care(text)) {
    line += text;
    return;
  }
  const std::string safe = escape(text, longest_text);
  if (safe.empty() || safe.find_first_of(" \"=") != std::string::npos) {
    append_quoted(line, safe);
  } else {
    line += safe;
  }
}

void start(std::string_view program, level lowest) {
  auto logger = spdlog::stderr_logger_mt(std::string(program));
  // The number of the process is written in: %P would ask the kernel for every line.
  logger->set_pattern(
      to_journal() ? "%v" : fmt::format("%Y-%m-%dT%H:%M:%S.%e%z %n[{}] %l %v", ::getpid()));
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
  set_level(lowest);
}

void set_level(level lowest) {
  spdlog::set_level(to_spdlog(lowest));
}

bool enabled(level l) {
  return spdlog::default_logger_raw()->should_log(to_spdlog(l));
}

void write(level l, std::string_view event, std::initializer_list<field> fields) {
  if (!enabled(l)) {
    return;
  }
  std::string line;
  line.reserve(usual_line);
  line += to_journal() ? journal_prefix(l) : std::string_view{};
  line += event;
  for (const field& f : fields) {
    line += ' ';
    f.append_to(line);
  }
  spdlog::default_logger_raw()->log(to_spdlog(l), line);
}

} // namespace homeward::log
