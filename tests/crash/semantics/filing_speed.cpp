// Measures how fast lib/maildir files with each recipe: a 3/5/17 KB mix into 20 Maildirs, threads
// as clients, each contestant alone on a fresh loop file system (noatime, direct I/O), rounds
// interleaved. Needs root.
//
//   filing_speed TYPE THREADS SECONDS ROUNDS        TYPE: ext4 or xfs
//
// The figures in docs/decisions/0003-filing-recipe.md come from it.

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

#include "lib/fs/faulty_file_system.hpp"
#include "lib/fs/real_file_system.hpp"
#include "lib/maildir/writer.hpp"

#include "tests/crash/semantics/loop_volume.hpp"

namespace homeward::maildir {
namespace {

struct contestant {
  const char* words;
  sync_recipe recipe;
  bool unnamed_files;
};

constexpr contestant contestants[] = {
    {"strict, unnamed file", sync_recipe::strict, true},
    {"strict, born in tmp/", sync_recipe::strict, false},
    {"late, unnamed file", sync_recipe::late, true},
    {"late, born in tmp/", sync_recipe::late, false},
    {"no sync, unnamed file", sync_recipe::none, true},
    {"no sync, born in tmp/", sync_recipe::none, false},
};

double processor_seconds() {
  struct rusage use {};
  ::getrusage(RUSAGE_SELF, &use);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

struct clients {
  writer& shelf_writer;
  std::atomic<bool> stop{false};
  std::atomic<std::size_t> filed_messages{0};

  void run(unsigned number) {
    const fs::message_spool sizes[] = {fs::message_spool(std::string(3000, 'x')),
                                       fs::message_spool(std::string(5000, 'x')),
                                       fs::message_spool(std::string(17000, 'x'))};
    for (unsigned i = 0; !stop; ++i) {
      const std::string name = fmt::format("1795170000.{}-{}.bench", number, i);
      const std::string mailbox = fmt::format("u{}@example.org", (i * 7 + number) % 20);
      const auto results = shelf_writer.deliver(
          {.message = &sizes[i % 3], .name = name, .sender = "s@x"}, {&mailbox, 1});
      if (!results.front()) {
        std::fprintf(stderr, "%s\n", describe(results.front().error()).c_str());
        std::exit(1);
      }
      ++filed_messages;
    }
  }
};

void measure(test::volume_type type, const contestant& c, unsigned threads, double seconds) {
  test::loop_volume volume(type, 8192);
  volume.use_direct_io();
  fs::real_file_system real;
  fs::faulty_file_system no_unnamed(real);
  no_unnamed.plan({.kind = fs::call::create_unnamed_at, .error = EOPNOTSUPP, .for_ever = true});
  fs::file_system& files = c.unnamed_files ? static_cast<fs::file_system&>(real) : no_unnamed;
  const std::string path = volume.path();
  const new_partition wanted{.name = "bench", .adopt_existing = true};
  if (!partition::initialise(files, path, wanted, {})) {
    std::exit(1);
  }
  const partition where = partition::open(files, path, "bench").value();
  writer w(where, {.recipe = c.recipe, .header = delivered_to::never});
  clients all{w};
  const double processor = processor_seconds();
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> running;
  for (unsigned t = 0; t < threads; ++t) {
    running.emplace_back([&all, t] { all.run(t); });
  }
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  all.stop = true;
  for (std::thread& t : running) {
    t.join();
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  const auto count = static_cast<double>(all.filed_messages);
  std::printf("| %-22s | %s | %2u | %6.0f | %3.0f |\n", c.words, test::name_of(type), threads,
              count / elapsed.count(), (processor_seconds() - processor) / count * 1e6);
  std::fflush(stdout);
}

int run(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: filing_speed ext4|xfs THREADS SECONDS ROUNDS\n");
    return 2;
  }
  const auto type =
      std::string(argv[1]) == "xfs" ? test::volume_type::xfs : test::volume_type::ext4;
  if (const auto reason = test::loop_volume::why_not(type)) {
    std::fprintf(stderr, "filing_speed: %s\n", reason->c_str());
    return 1;
  }
  std::printf("| recipe | volume | threads | messages/s | CPU us a message |\n");
  for (int round = std::atoi(argv[4]); round > 0; --round) {
    for (const contestant& c : contestants) {
      measure(type, c, static_cast<unsigned>(std::atoi(argv[2])), std::atof(argv[3]));
    }
  }
  return 0;
}

} // namespace
} // namespace homeward::maildir

int main(int argc, char** argv) {
  return homeward::maildir::run(argc, argv);
}
