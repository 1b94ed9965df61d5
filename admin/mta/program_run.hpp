#pragma once
// Runs the MTA's own programs: by argument vector, never through a shell, with a time limit, their
// output caught.

#include <chrono>
#include <string>
#include <vector>

#include "lib/base/failure.hpp"

namespace homeward::admin::mta {

using arguments = std::vector<std::string>;

struct run_options {
  std::string input = {};     // its standard input
  std::string directory = {}; // where it starts; empty: where we are
  std::chrono::seconds limit{60};
};

struct program_result {
  int status = 0;     // exit status; 128 + number when a signal ended it
  std::string output; // standard output
  std::string errors; // standard error
};

// Starts the program (searched in PATH when it has no slash), waits for its end and gives back what
// it said, whatever its exit status. A failure when it cannot be started or does not end in time
// (then it and its children are killed). Programs it leaves behind in the background are not waited
// for. Blocks.
[[nodiscard]] result<program_result> run_program(const arguments& argv,
                                                 const run_options& options = {});

// The same, and an exit status other than 0 is a failure with the program's own words as its cause.
[[nodiscard]] result<program_result> run_checked(const arguments& argv,
                                                 const run_options& options = {});

// For people: the arguments with quotes where a shell needs them.
[[nodiscard]] std::string spelled(const arguments& argv);
// What a program said, in a line: standard error, else standard output, escaped and cut.
[[nodiscard]] std::string words_of(const program_result& r);

} // namespace homeward::admin::mta
