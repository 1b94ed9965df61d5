#include "sendmail-cf/drain/runner.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace homeward::sendmail_cf {

namespace {

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return out + '\'';
}

} // namespace

std::string runner_command(std::string_view command, std::string_view directory) {
  std::string out;
  for (;;) {
    const std::size_t mark = command.find(directory_mark);
    out += command.substr(0, mark);
    if (mark == std::string_view::npos) {
      return out;
    }
    out += quoted(directory);
    command.remove_prefix(mark + directory_mark.size());
  }
}

result<pid_t> start_runner(const std::string& command) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", 0, 0);
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  std::string shell = "/bin/sh";
  std::string option = "-c";
  std::string text = command;
  const std::array<char*, 4> arguments = {shell.data(), option.data(), text.data(), nullptr};
  pid_t child = 0;
  const int error =
      ::posix_spawn(&child, "/bin/sh", &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    failure f = failure_from_errno(error, "posix_spawn");
    f.what = "the queue runner cannot be started";
    f.advice = "Look at the limits of processes and memory, then run it again.";
    return f;
  }
  return child;
}

std::optional<int> ended(pid_t runner) {
  int status = 0;
  const pid_t done = ::waitpid(runner, &status, WNOHANG);
  if (done == 0 || (done < 0 && errno == EINTR)) {
    return std::nullopt;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void ask_to_end(pid_t runner) {
  ::kill(-runner, SIGTERM);
}

} // namespace homeward::sendmail_cf
