// The contestants that stored is compared with (bare_writer.hpp), in this process: threads as
// clients, each of which delivers its next message as soon as the last one is durable.
//
//   bare_writers --recipe group --directory /srv/volume --clients 64 --seconds 8
//
// The directory lies on a fresh file system and is empty. Same messages, mailboxes and JSON line as
// store_load; processor time is that of the whole contestant.

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <random>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "tests/bench/bare_writer.hpp"
#include "tests/bench/measurement.hpp"

namespace homeward::bench {

void die(const std::string& step) {
  fmt::print(stderr, "bare_writers: {}: {}\n", step, std::strerror(errno));
  std::fflush(stderr);
  std::_Exit(1);
}

maildirs::maildirs(const std::string& root, unsigned mailboxes) {
  const auto opened = [](const std::filesystem::path& path) {
    std::filesystem::create_directories(path);
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 ? fd : (die(path), -1);
  };
  for (unsigned i = 0; i < mailboxes; ++i) {
    const auto maildir =
        std::filesystem::path(root) / "bench.example" / fmt::format("u{:03}", i) / "Maildir";
    std::filesystem::create_directories(maildir / "cur");
    open_.push_back({opened(maildir / "tmp"), opened(maildir / "new")});
  }
}

maildirs::~maildirs() {
  for (const handles& h : open_) {
    ::close(h.tmp);
    ::close(h.fresh);
  }
}

namespace {

struct settings {
  std::string recipe;
  std::string directory;
  unsigned clients = 12;
  unsigned mailboxes = 20;
  unsigned segments = 4;
  double warm_up = 2;
  double seconds = 8;
  std::vector<std::size_t> sizes = {3 * 1024, 5 * 1024, 17 * 1024};
  std::string ledger;
};

struct race {
  const message_mix& mix;
  bare_writer& writer;
  const schedule& times;
  std::atomic<std::uint64_t> next{0};

  void run(unsigned client, tally& seen) {
    message m;
    while (bench_clock::now() < times.ends) {
      const std::uint64_t number = next++;
      mix.write(number, m);
      const std::string name =
          fmt::format("1800000000.{}.bench.example,S={}", mix.identity(number), m.size());
      const auto sent = bench_clock::now();
      writer.deliver(client, number, name, m);
      seen.accepted(times, sent, bench_clock::now());
    }
  }
};

int measure(const settings& s) {
  const std::uint32_t run = std::random_device{}();
  const message_mix mix(s.sizes, message_mix::line_end::lf, run);
  const maildirs where(s.directory, s.mailboxes);
  const auto writer = s.recipe == "strict"
                          ? make_strict_writer(where)
                          : make_group_writer(where, {s.directory, s.clients, s.segments});
  const double processor = processor_seconds();
  const schedule times(s.warm_up, s.seconds);
  race r{mix, *writer, times};
  std::vector<tally> seen(s.clients);
  std::vector<std::thread> clients;
  for (unsigned c = 0; c < s.clients; ++c) {
    clients.emplace_back([&, c] { r.run(c, seen[c]); });
  }
  tally all;
  for (unsigned c = 0; c < s.clients; ++c) {
    clients[c].join();
    all.add(seen[c]);
  }
  fmt::print("{}", all.json(times, processor_seconds() - processor));
  const std::vector<outcome> outcomes(r.next, outcome::accepted);
  return s.ledger.empty() || write_ledger(s.ledger, mix, s.mailboxes, outcomes) ? 0 : 1;
}

int run(int argc, char** argv) {
  settings s;
  CLI::App app("The least code that files mail durably, measured.", "bare_writers");
  app.add_option("--recipe", s.recipe, "strict or group")
      ->required()
      ->check(CLI::IsMember({"strict", "group"}));
  app.add_option("--directory", s.directory, "empty, on a fresh file system")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--clients", s.clients, "threads")
      ->check(CLI::Range(1, 200))
      ->capture_default_str();
  app.add_option("--mailboxes", s.mailboxes, "u000@bench.example and so on")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--segments", s.segments, "of 64 MiB, for group")
      ->check(CLI::Range(3, 1000))
      ->capture_default_str();
  app.add_option("--warm-up", s.warm_up, "seconds that do not count")->capture_default_str();
  app.add_option("--seconds", s.seconds, "that count")->capture_default_str();
  app.add_option("--sizes", s.sizes, "of the messages with CR LF, in octets")
      ->delimiter(',')
      ->check(CLI::Range(1024, 1 << 18))
      ->capture_default_str();
  app.add_option("--ledger", s.ledger, "file for the judge");
  CLI11_PARSE(app, argc, argv);
  return measure(s);
}

} // namespace
} // namespace homeward::bench

int main(int argc, char** argv) {
  return homeward::bench::run(argc, argv);
}
