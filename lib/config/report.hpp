#pragma once
// Where the readers and validators of a settings table write down what is wrong. A report knows the
// line of every key that the file gave, so a validator names only the key.

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "lib/config/problem.hpp"

namespace homeward::config {

// The problems of one file, and the line of each key in it. One thread at a time.
struct collector {
  std::string file;
  problems found = {};
  std::map<std::string, std::size_t, std::less<>> lines = {};
};

// A view on a collector from within one part of the file: the keys that its user names are relative
// to `prefix`. Copy it freely; the collector must outlive it.
class report {
 public:
  explicit report(collector& all, std::string prefix = {});

  // The same collector, one level deeper: `name` is "lmtp" or "partitions[1]".
  [[nodiscard]] report below(std::string_view name) const;
  // The full name of a key of this part.
  [[nodiscard]] std::string full(std::string_view key) const;

  // Notes a problem of `key` at the line where the file gives that key, or its nearest parent; a
  // key that the file does not give at all has no line.
  void add(std::string_view key, std::string what, std::string meant = {}) const;
  // The same with a line that is known.
  void add_at(std::size_t line, std::string_view key, std::string what,
              std::string meant = {}) const;

  // The line at which the file gives `key`; 0 when it does not.
  [[nodiscard]] std::size_t line_of(std::string_view key) const;
  void note_line(std::string_view key, std::size_t line) const;

  // How many problems the whole file has so far.
  [[nodiscard]] std::size_t count() const { return all_->found.size(); }

 private:
  collector* all_;
  std::string prefix_;
};

} // namespace homeward::config
