// homeward-bridge: takes mail from an MTA by LMTP and hands it to the storage servers where its
// recipients live.

#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <variant>

#include "lib/base/log.hpp"
#include "lib/config/command_line.hpp"
#include "lib/net/privileges.hpp"

#include "lmtp-bridge/service/bridge.hpp"
#include "lmtp-bridge/service/settings.hpp"

namespace {

using namespace homeward;

config::program about() {
  return {
      .name = "homeward-bridge",
      .summary = "takes mail from an MTA by LMTP and stores it where its recipients live",
      .description =
          "homeward-bridge is an LMTP server (RFC 2033) for sendmail or Postfix on the same host. "
          "It "
          "finds each recipient's home in the user directory, sends one transaction to every store "
          "concerned, all at the same time over connections that are kept open, and answers once "
          "for each recipient.\n\n"
          "A reply of 250 means that the message is on stable storage and visible in the "
          "recipient's Maildir. Whatever goes wrong on our side is answered 451 or 452, so that "
          "the MTA keeps the message and tries again; a repeat makes no second copy.",
      .default_file = "/etc/homeward/bridge.yaml",
      .manual =
          {{"SIGNALS",
            "SIGHUP reads the settings file again and refreshes the directory; sessions go on. A "
            "file with mistakes changes nothing and is reported in the log.\n\n"
            "SIGTERM and SIGINT stop: no new connections, messages that have begun are finished "
            "(up to 30 s), everything else gets 421."},
           {"EXIT STATUS", "0 after a stop. 64 for wrong options, 77 when started as root without "
                           "the setting user, 78 for faults of the settings file, 1 for anything "
                           "else that stops the start."},
           {"FILES", "/etc/homeward/bridge.yaml\n\n/run/homeward/lmtp.sock"},
           {"SEE ALSO", "stored(8), homewardctl(8), homeward-bridge.yaml(5)"}},
  };
}

constexpr int exit_failure = 1;
constexpr int exit_no_permission = 77; // sysexits.h, as stored

int fail(const failure& why, int code = exit_failure) {
  std::fprintf(stderr, "homeward-bridge: %s\n", describe(why).c_str());
  return code;
}

int run(int argc, char** argv) {
  // What the operator asked for.
  auto begun = config::start(argc, argv, about(), bridge::settings_table());
  if (const int* code = std::get_if<int>(&begun)) {
    return *code;
  }
  auto& [settings, file] = std::get<config::started<bridge::settings>>(begun);
  log::start("homeward-bridge", settings.live.log_level);

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
  bridge::bridge daemon(std::move(settings), file);
  if (const auto opened = daemon.open(); !opened) {
    return fail(opened.error());
  }
  daemon.run();
  return 0;
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
