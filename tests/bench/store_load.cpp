// Loads a running stored over loopback and measures it: N connections, each of which sends its next
// message as soon as the last one was answered, all served by one thread. Whole transactions in one
// write, as a bridge sends them; one recipient each, mailboxes in turn.
//
//   store_load --port 2400 --connections 64 --seconds 8 --ledger /tmp/ledger
//
// Prints one JSON line (measurement.hpp); latencies are from the first octet sent to the final
// reply. --ledger writes, afterwards, what tests/support/maildir_ledger.py needs to compare the
// Maildirs with. Exit status 1 if a message was refused or a connection lost.

#include <cerrno>
#include <cstring>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <sys/epoll.h>
#include <unistd.h>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "tests/bench/measurement.hpp"
#include "tests/bench/message_mix.hpp"
#include "tests/bench/store_connection.hpp"

namespace homeward::bench {
namespace {

constexpr int longest_silence_ms = 150'000; // above every time limit of a store

struct settings {
  std::uint16_t port = 2400;
  std::string partition = "mail1";
  unsigned connections = 12;
  unsigned mailboxes = 20;
  double warm_up = 2;
  double seconds = 8;
  std::uint64_t messages = ~std::uint64_t{0};
  std::vector<std::size_t> sizes = {3 * 1024, 5 * 1024, 17 * 1024};
  std::string ledger;
};

class load {
 public:
  explicit load(const settings& s)
      : settings_(s), run_(std::random_device{}()),
        mix_(s.sizes, message_mix::line_end::cr_lf, run_), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    for (unsigned i = 0; i < s.mailboxes; ++i) {
      mailboxes_.push_back(message_mix::mailbox(i, s.mailboxes));
    }
    for (unsigned i = 0; i < s.connections; ++i) {
      connections_.push_back(std::make_unique<store_connection>(s.port));
      epoll_event interest{};
      interest.events = EPOLLIN | EPOLLOUT | EPOLLET;
      interest.data.ptr = connections_.back().get();
      if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, connections_.back()->descriptor(), &interest) != 0) {
        throw std::runtime_error(std::strerror(errno));
      }
    }
  }
  ~load() { ::close(epoll_); }
  load(const load&) = delete;
  load& operator=(const load&) = delete;

  // Until the time is over or the messages are used up, and all that was sent is answered.
  tally run() {
    const double processor = processor_seconds();
    const schedule times(settings_.warm_up, settings_.seconds);
    for (const auto& c : connections_) {
      begin_next(*c, times);
    }
    std::vector<epoll_event> events(connections_.size());
    while (busy_ > 0) {
      const int n =
          ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), longest_silence_ms);
      if (n == 0) {
        throw std::runtime_error("the store is silent");
      }
      for (int i = 0; i < n; ++i) {
        on_event(*static_cast<store_connection*>(events[static_cast<std::size_t>(i)].data.ptr),
                 times);
      }
    }
    fmt::print("{}", tally_.json(times, processor_seconds() - processor));
    return tally_;
  }

  bool write_ledger() const {
    const message_mix filed(settings_.sizes, message_mix::line_end::lf, run_);
    return bench::write_ledger(settings_.ledger, filed, settings_.mailboxes, outcomes_);
  }

 private:
  void begin_next(store_connection& c, const schedule& times) {
    if (outcomes_.size() < settings_.messages && bench_clock::now() < times.ends) {
      const std::uint64_t number = outcomes_.size();
      outcomes_.push_back(outcome::unknown);
      ++busy_;
      c.begin(mix_, number, settings_.partition, mailboxes_[number % mailboxes_.size()]);
    }
  }

  void on_event(store_connection& c, const schedule& times) {
    const auto before = c.status();
    const auto now_is = c.proceed();
    if (before != store_connection::state::busy || now_is == store_connection::state::busy) {
      return;
    }
    --busy_;
    if (now_is == store_connection::state::accepted) {
      outcomes_[c.number()] = outcome::accepted;
      tally_.accepted(times, c.began(), bench_clock::now());
    } else {
      tally_.failed(c.trouble());
    }
    if (now_is == store_connection::state::refused) {
      outcomes_[c.number()] = outcome::refused;
    }
    if (now_is != store_connection::state::broken) {
      begin_next(c, times);
    }
  }

  const settings& settings_;
  std::uint32_t run_;
  message_mix mix_;
  int epoll_;
  std::vector<std::string> mailboxes_;
  std::vector<std::unique_ptr<store_connection>> connections_;
  std::vector<outcome> outcomes_; // by message number
  unsigned busy_ = 0;
  tally tally_;
};

int run(int argc, char** argv) {
  settings s;
  CLI::App app("Loads a stored on this machine and measures it.", "store_load");
  app.add_option("--port", s.port, "where stored listens on 127.0.0.1")->capture_default_str();
  app.add_option("--partition", s.partition, "for PRTN")->capture_default_str();
  app.add_option("--connections", s.connections, "at the same time")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option("--mailboxes", s.mailboxes, "u000@bench.example and so on")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--warm-up", s.warm_up, "seconds that do not count")->capture_default_str();
  app.add_option("--seconds", s.seconds, "that count")->capture_default_str();
  app.add_option("--messages", s.messages, "end after so many");
  app.add_option("--sizes", s.sizes, "of the messages, in octets")
      ->delimiter(',')
      ->check(CLI::Range(1024, 1 << 30))
      ->capture_default_str();
  app.add_option("--ledger", s.ledger, "file for the judge");
  CLI11_PARSE(app, argc, argv);
  load l(s);
  const tally seen = l.run();
  if (!s.ledger.empty() && !l.write_ledger()) {
    fmt::print(stderr, "store_load: cannot write {}\n", s.ledger);
    return 1;
  }
  return seen.any_failure() ? 1 : 0;
}

} // namespace
} // namespace homeward::bench

int main(int argc, char** argv) {
  try {
    return homeward::bench::run(argc, argv);
  } catch (const std::exception& e) {
    fmt::print(stderr, "store_load: {}\n", e.what());
    return 1;
  }
}
