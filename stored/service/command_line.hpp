#pragma once
// What stored says about itself, and the options that only it has.

#include <string>

#include "lib/config/command_line.hpp"

namespace homeward::stored {

// "Make this directory a partition, and end."
struct partition_wish {
  std::string name;          // --init-partition; empty: no such wish
  std::string path_template; // --path-template; empty: the default
  bool adopt_existing = false;
};

// For config::start(), --help and the manual page. `wish` is filled while the command line is read
// and must live until then.
[[nodiscard]] config::program about_stored(partition_wish& wish);

} // namespace homeward::stored
