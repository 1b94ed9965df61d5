#pragma once
// The log: one line an event, to standard error, in the form "<level> <event> key=value ...". Under
// systemd the line starts with the journal's priority prefix instead of a time. Values from peers
// are escaped and capped here, so a caller cannot forget it (reliability promise 25). Never give it
// a message body. Safe from any thread; lines are never mixed.

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "lib/base/failure.hpp"

namespace homeward::log {

enum class level : unsigned char { debug = 0, info = 1, notice = 2, warning = 3, error = 4 };

// One key=value pair. Numbers are printed as they are; texts are escaped, and quoted when they hold
// a space. A text is not copied: it must live until the line is written.
class field {
 public:
  field(std::string_view key, std::string_view value) : key_(key), text_(value) {}
  field(std::string_view key, const char* value) : field(key, std::string_view(value)) {}
  field(std::string_view key, const std::string& value) : field(key, std::string_view(value)) {}
  field(std::string_view key, std::integral auto value)
      : key_(key), own_(fmt::format_int(value).str()) {}
  field(std::string_view key, bool value) : field(key, value ? "true" : "false") {}
  // The failure's description under `key`.
  field(std::string_view key, const failure& f) : key_(key), own_(describe(f)) {}

  void append_to(std::string& line) const;

 private:
  std::string_view key_;
  std::string_view text_;
  std::string own_; // instead of text_
};

// Sets what is printed; `program` names the lines when they do not go to the journal. Call once in
// main.
void start(std::string_view program, level lowest);
void set_level(level lowest);
[[nodiscard]] bool enabled(level l);

// `event` is a fixed phrase of ours ("message stored", "store unreachable"), never text from a
// peer.
void write(level l, std::string_view event, std::initializer_list<field> fields = {});

inline void debug(std::string_view event, std::initializer_list<field> fields = {}) {
  write(level::debug, event, fields);
}
inline void info(std::string_view event, std::initializer_list<field> fields = {}) {
  write(level::info, event, fields);
}
inline void notice(std::string_view event, std::initializer_list<field> fields = {}) {
  write(level::notice, event, fields);
}
inline void warning(std::string_view event, std::initializer_list<field> fields = {}) {
  write(level::warning, event, fields);
}
inline void error(std::string_view event, std::initializer_list<field> fields = {}) {
  write(level::error, event, fields);
}

} // namespace homeward::log
