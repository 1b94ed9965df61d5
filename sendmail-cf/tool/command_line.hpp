#pragma once
// What the queue tools have in common on the command line: options that make the manual page too,
// and the way they speak of failures.

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "lib/base/failure.hpp"

namespace CLI {
class App;
}

namespace homeward::sendmail_cf {

// How a queue tool ends; the values of sysexits.h where there is one.
enum class exit_code : int {
  done = 0,
  left_over = 1,    // done, but something needs a person: it was printed
  usage = 64,       // wrong options
  unavailable = 75, // a directory or a disk failed: try again
  settings = 78,    // what it was told to do cannot work here
};

struct manual_part {
  std::string title; // "EXAMPLES"
  std::string text;  // plain; empty lines separate paragraphs, indented lines stay as they are
};

struct tool {
  std::string name;        // "homeward-requeue"
  std::string summary;     // half a sentence
  std::string description; // paragraphs
  std::vector<manual_part> manual = {};
};

// Adds --manual, --version; parses. Returns the exit code when the program has to end now; what
// there is to say was printed.
[[nodiscard]] std::optional<int> parse(CLI::App& app, const tool& about, int argc,
                                       const char* const* argv);

// The manual page, section 8, as man(7) source.
[[nodiscard]] std::string manual_page(const CLI::App& app, const tool& about);

// "NAME: what", the cause and the advice below each other; the exit code that goes with it.
exit_code report(std::ostream& err, const tool& about, const failure& f);

} // namespace homeward::sendmail_cf
