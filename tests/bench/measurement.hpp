#pragma once
// What the programs of the filing benchmark count, and the one JSON line they print.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace homeward::bench {

using bench_clock = std::chrono::steady_clock;

// Warm-up, then the time that counts; nobody begins a message after its end.
struct schedule {
  bench_clock::time_point counts_from;
  bench_clock::time_point ends;

  // Begins now. Both in seconds.
  schedule(double warm_up, double seconds);
};

// What one client saw. One thread at a time.
class tally {
 public:
  // An answer that promises durability came `now` for what was sent at `sent`.
  void accepted(const schedule& s, bench_clock::time_point sent, bench_clock::time_point now);
  void failed(const std::string& code) { ++failures_[code]; }
  void add(const tally& other);

  [[nodiscard]] bool any_failure() const { return !failures_.empty(); }
  [[nodiscard]] std::size_t accepted_in_all() const { return accepted_in_all_; }

  // messages, seconds, messages_per_second and latencies are those of the time that counts;
  // cpu_us_per_message is `processor_seconds` for all messages, those of the warm-up too.
  [[nodiscard]] std::string json(const schedule& s, double processor_seconds);

 private:
  std::vector<std::uint32_t> latencies_us_;
  std::size_t accepted_in_all_ = 0;
  bench_clock::time_point last_;
  std::map<std::string, std::size_t> failures_;
};

// User and system time of this process so far.
[[nodiscard]] double processor_seconds();

} // namespace homeward::bench
