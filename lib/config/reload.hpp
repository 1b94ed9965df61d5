#pragma once
// What every daemon does with its settings file on SIGHUP, in the same words.

#include <optional>
#include <string>
#include <utility>

#include "lib/base/log.hpp"
#include "lib/config/problem.hpp"
#include "lib/config/table.hpp"

namespace homeward::config {

// Reads `file` again. Nothing when it has faults: each is in the log, and `running` goes on to
// hold. A difference that only a restart takes over is in the log, too; the caller leaves those
// parts of what is returned alone. Throws nothing but what memory throws.
template <class Settings>
[[nodiscard]] std::optional<Settings> read_again(const table<Settings>& known,
                                                 const std::string& file, const Settings& running) {
  auto read = known.parse_file(file);
  if (!read) {
    for (const problem& p : read.error()) {
      log::error("settings not reloaded",
                 {{"problem", to_string(p)}, {"next", "correct the file and send SIGHUP again"}});
    }
    return std::nullopt;
  }
  for (const std::string& what : known.needs_restart(running, *read)) {
    log::warning("setting needs a restart", {{"setting", what}});
  }
  return std::move(*read);
}

} // namespace homeward::config
