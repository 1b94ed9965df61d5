#pragma once
// homewardctl as a function: main() gives it the real world, tests another one.

#include "admin/session.hpp"

namespace homeward::admin {

// Parses the command line, runs the command, and returns the exit code (exit_code.hpp).
[[nodiscard]] int run(int argc, const char* const* argv, environment& env);

} // namespace homeward::admin
