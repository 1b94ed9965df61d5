#include "admin/mta/program_run.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/base/escape.hpp"

namespace homeward::admin::mta {

namespace {

constexpr std::size_t output_limit = 64U << 20U;

// One pipe; both ends close themselves.
class pipe_ends {
 public:
  pipe_ends() { good_ = ::pipe2(ends_.data(), O_CLOEXEC) == 0; }
  pipe_ends(const pipe_ends&) = delete;
  pipe_ends& operator=(const pipe_ends&) = delete;
  ~pipe_ends() {
    close_end(0);
    close_end(1);
  }
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] int end(std::size_t which) const { return ends_[which]; }
  void close_end(std::size_t which) {
    if (ends_[which] >= 0) {
      ::close(ends_[which]);
      ends_[which] = -1;
    }
  }

 private:
  std::array<int, 2> ends_{-1, -1};
  bool good_ = false;
};

// The environment with messages in one language.
class plain_environment {
 public:
  plain_environment() {
    for (char** entry = environ; *entry != nullptr; ++entry) {
      if (std::strncmp(*entry, "LC_ALL=", 7) != 0) {
        entries_.push_back(*entry);
      }
    }
    entries_.push_back(language_.data());
    entries_.push_back(nullptr);
  }
  [[nodiscard]] char** get() { return entries_.data(); }

 private:
  std::string language_ = "LC_ALL=C";
  std::vector<char*> entries_;
};

struct child {
  pid_t pid = -1;
  pipe_ends out;
  pipe_ends err;
};

int spawn(child& c, int input, const arguments& argv, const std::string& directory) {
  std::vector<char*> words;
  for (const auto& word : argv) {
    words.push_back(const_cast<char*>(word.c_str()));
  }
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions{};
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input, 0);
  posix_spawn_file_actions_adddup2(&actions, c.out.end(1), 1);
  posix_spawn_file_actions_adddup2(&actions, c.err.end(1), 2);
  if (!directory.empty()) {
    posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
  }
  posix_spawnattr_t attributes{};
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
  sigset_t defaults{};
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  plain_environment environment;
  const int error =
      ::posix_spawnp(&c.pid, words[0], &actions, &attributes, words.data(), environment.get());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

void take(const pipe_ends& from, std::string& into) {
  std::array<char, 65536> piece{};
  for (;;) {
    const auto got = ::read(from.end(0), piece.data(), piece.size());
    if (got <= 0) {
      return;
    }
    if (into.size() < output_limit) {
      into.append(piece.data(), static_cast<std::size_t>(got));
    }
  }
}

// A file in memory with what the program shall read.
std::unique_ptr<std::FILE, int (*)(std::FILE*)> input_file(const std::string& text) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
      ::fdopen(::memfd_create("homeward-input", MFD_CLOEXEC), "w+"), &std::fclose);
  if (file && (std::fwrite(text.data(), 1, text.size(), file.get()) != text.size() ||
               std::fflush(file.get()) != 0 || std::fseek(file.get(), 0, SEEK_SET) != 0)) {
    file.reset();
  }
  return file;
}

failure cannot_start(const arguments& argv, int error) {
  failure f = permanent_failure(failure_reason::perm,
                                fmt::format("the program {} cannot be started", argv.front()),
                                std::strerror(error));
  f.advice = "Install it, or name its path below `programs:` in the settings file.";
  return f;
}

// Reads both outputs until the program ended, or the time is over. Whoever the program left in the
// background may still hold the pipes, so their end is not what is waited for.
result<program_result> wait_for(child& c, const arguments& argv, std::chrono::seconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  program_result r;
  int status = 0;
  for (;;) {
    std::array<pollfd, 2> ready{pollfd{c.out.end(0), POLLIN, 0}, pollfd{c.err.end(0), POLLIN, 0}};
    ::poll(ready.data(), ready.size(), 20);
    take(c.out, r.output);
    take(c.err, r.errors);
    if (::waitpid(c.pid, &status, WNOHANG) == c.pid) {
      break;
    }
    if (std::chrono::steady_clock::now() > deadline) {
      ::kill(-c.pid, SIGKILL);
      ::waitpid(c.pid, &status, 0);
      return transient_failure(
          fmt::format("`{}` did not end within {} s and was stopped", spelled(argv), limit.count()),
          words_of(r));
    }
  }
  take(c.out, r.output);
  take(c.err, r.errors);
  r.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return r;
}

} // namespace

result<program_result> run_program(const arguments& argv, const run_options& options) {
  child c;
  const auto input = input_file(options.input);
  if (!c.out.good() || !c.err.good() || !input) {
    return failure_from_errno(errno, "pipe");
  }
  ::fcntl(c.out.end(0), F_SETFL, O_NONBLOCK);
  ::fcntl(c.err.end(0), F_SETFL, O_NONBLOCK);
  if (const int error = spawn(c, ::fileno(input.get()), argv, options.directory); error != 0) {
    return cannot_start(argv, error);
  }
  c.out.close_end(1);
  c.err.close_end(1);
  return wait_for(c, argv, options.limit);
}

result<program_result> run_checked(const arguments& argv, const run_options& options) {
  auto done = run_program(argv, options);
  if (done && done->status != 0) {
    return permanent_failure(failure_reason::perm,
                             fmt::format("`{}` ended with {}", spelled(argv), done->status),
                             words_of(*done));
  }
  return done;
}

std::string spelled(const arguments& argv) {
  std::string line;
  for (const auto& word : argv) {
    const bool plain =
        !word.empty() && word.find_first_of(" \t\n'\"\\$&|;<>()*?[]#~`{}!") == std::string::npos;
    line += line.empty() ? "" : " ";
    line += plain ? word : fmt::format("'{}'", word);
  }
  return escape(line, 2000);
}

std::string words_of(const program_result& r) {
  std::string_view said = r.errors.empty() ? r.output : r.errors;
  while (!said.empty() && (said.back() == '\n' || said.back() == ' ')) {
    said.remove_suffix(1);
  }
  return escape(said, 1500);
}

} // namespace homeward::admin::mta
