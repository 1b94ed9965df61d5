#pragma once
// A queue runner that the drain starts for one batch: a shell command, most often `sendmail -qf`.

#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

#include "lib/base/failure.hpp"

namespace homeward::sendmail_cf {

// Stands for the batch's directory in the command.
inline constexpr std::string_view directory_mark = "{}";

// `command` with the directory, quoted for the shell, in every place of the mark.
[[nodiscard]] std::string runner_command(std::string_view command, std::string_view directory);

// Starts `sh -c COMMAND` in a process group of its own, its standard output sent to our standard
// error. Failure: no process.
[[nodiscard]] result<pid_t> start_runner(const std::string& command);
// How a runner ended: its exit status, 128 + signal if it was killed; nothing while it runs.
[[nodiscard]] std::optional<int> ended(pid_t runner);
// Asks the runner and all its children to end (SIGTERM): sendmail then ends after the message at
// hand.
void ask_to_end(pid_t runner);

} // namespace homeward::sendmail_cf
