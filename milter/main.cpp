// homeward-milter: tells an MTA at RCPT whether a recipient exists and can take mail, from what it
// holds in memory.

#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <variant>

#include "lib/base/log.hpp"
#include "lib/config/command_line.hpp"
#include "lib/net/privileges.hpp"

#include "milter/service/milter_daemon.hpp"
#include "milter/service/settings.hpp"

namespace {

using namespace homeward;

config::program about() {
  return {
      .name = "homeward-milter",
      .summary = "tells an MTA who its local recipients are, and whether they can take mail",
      .description =
          "homeward-milter stands beside sendmail or Postfix and answers, while the client is "
          "still connected, whether a recipient exists, is full, or has a store that is down. It "
          "follows the user directory, the MTA's alias files and the stores, keeps all of it in "
          "memory, and answers from there: no verdict waits for a disk or the network.\n\n"
          "Only recipients in domains of the directory are judged, and only where the MTA's alias "
          "stage cannot turn them into something else. Whatever goes wrong on our side is answered "
          "451. It takes no responsibility for any message, changes none but for one trace header, "
          "and discards none.",
      .default_file = "/etc/homeward/milter.yaml",
      .manual =
          {{"SIGNALS",
            "SIGHUP reads the settings file and the alias files again and refreshes the directory; "
            "sessions go on. A file with mistakes changes nothing and is reported in the log.\n\n"
            "SIGTERM and SIGINT stop: the sockets are free for the next process at once, messages "
            "that have begun are judged to their end (up to 30 s), idle connections are closed "
            "after 3 s."},
           {"EXIT STATUS", "0 after a stop. 64 for wrong options, 77 when started as root without "
                           "the setting user, 78 for faults of the settings file, 1 for anything "
                           "else that stops the start or ends the daemon."},
           {"FILES", "/etc/homeward/milter.yaml\n\n/run/homeward/milter.sock"},
           {"SEE ALSO", "homeward-bridge(8), stored(8), homewardctl(8), homeward-milter.yaml(5)"}},
  };
}

constexpr int exit_failure = 1;
constexpr int exit_no_permission = 77; // sysexits.h, as stored

int fail(const failure& why, int code = exit_failure) {
  std::fprintf(stderr, "homeward-milter: %s\n", describe(why).c_str());
  return code;
}

int run(int argc, char** argv) {
  // What the operator asked for.
  auto begun = config::start(argc, argv, about(), milter::settings_table());
  if (const int* code = std::get_if<int>(&begun)) {
    return *code;
  }
  auto& [settings, file] = std::get<config::started<milter::settings>>(begun);
  log::start("homeward-milter", settings.live.log_level);

  // Never root.
  if (!settings.fixed.user.empty()) {
    if (const auto became = net::become_user(settings.fixed.user); !became) {
      return fail(became.error(), exit_no_permission);
    }
  }
  if (net::runs_as_root()) {
    return fail(transient_failure("does not run as root", "",
                                  "Name a user in the setting user, or start it as one."),
                exit_no_permission);
  }

  // Doors open, then serve until told to stop.
  milter::milter_daemon daemon(std::move(settings), file);
  if (const auto opened = daemon.open(); !opened) {
    return fail(opened.error());
  }
  return daemon.run() ? 0 : exit_failure;
}

} // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) { // threads or memory that the system does not give
    return fail(transient_failure("the system refuses", e.what(),
                                  "Look at TasksMax= and MemoryMax= of the unit, and ulimit."));
  }
}
