#pragma once
// How homewardctl ends. Scripts rely on these; docs/operations/homewardctl.md lists them.

namespace homeward::admin {

enum class exit_code : int {
  done = 0,
  negative = 1, // it worked, and the answer is no: not found, faults found, a store does not answer
  refused = 2,  // nothing was changed: it contradicts the directory, or was not confirmed;
                // a journal is damaged
  usage = 64,   // the command line is wrong
  unavailable = 75, // the directory or a store cannot be reached now: try again
  settings = 78,    // the settings file is wrong
};

} // namespace homeward::admin
