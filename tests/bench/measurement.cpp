#include "tests/bench/measurement.hpp"

#include <algorithm>
#include <sys/resource.h>

#include <fmt/format.h>

namespace homeward::bench {

namespace {

bench_clock::duration as_duration(double seconds) {
  return std::chrono::duration_cast<bench_clock::duration>(std::chrono::duration<double>(seconds));
}

} // namespace

schedule::schedule(double warm_up, double seconds)
    : counts_from(bench_clock::now() + as_duration(warm_up)),
      ends(counts_from + as_duration(seconds)) {}

void tally::accepted(const schedule& s, bench_clock::time_point sent, bench_clock::time_point now) {
  ++accepted_in_all_;
  if (now >= s.counts_from && now < s.ends) {
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(now - sent);
    latencies_us_.push_back(static_cast<std::uint32_t>(took.count()));
    last_ = std::max(last_, now);
  }
}

void tally::add(const tally& other) {
  latencies_us_.insert(latencies_us_.end(), other.latencies_us_.begin(), other.latencies_us_.end());
  accepted_in_all_ += other.accepted_in_all_;
  last_ = std::max(last_, other.last_);
  for (const auto& [code, count] : other.failures_) {
    failures_[code] += count;
  }
}

std::string tally::json(const schedule& s, double processor) {
  std::sort(latencies_us_.begin(), latencies_us_.end());
  const std::size_t count = latencies_us_.size();
  const auto quantile = [&](double part) {
    return count == 0
               ? 0
               : latencies_us_[static_cast<std::size_t>(part * static_cast<double>(count - 1))];
  };
  // A run of a given number of messages is over with its last one.
  const bool cut_by_time = bench_clock::now() >= s.ends;
  const std::chrono::duration<double> seconds = (cut_by_time ? s.ends : last_) - s.counts_from;
  const double in_all = static_cast<double>(std::max<std::size_t>(accepted_in_all_, 1));
  std::string failures;
  for (const auto& [code, times] : failures_) {
    failures += fmt::format("{}\"{}\": {}", failures.empty() ? "" : ", ", code, times);
  }
  return fmt::format("{{\"messages\": {}, \"messages_in_all\": {}, \"seconds\": {:.3f}, "
                     "\"messages_per_second\": {:.1f}, \"p50_us\": {}, \"p95_us\": {}, "
                     "\"p99_us\": {}, \"max_us\": {}, \"cpu_us_per_message\": {:.2f}, "
                     "\"errors\": {{{}}}}}\n",
                     count, accepted_in_all_, seconds.count(),
                     count == 0 ? 0.0 : static_cast<double>(count) / seconds.count(), quantile(0.5),
                     quantile(0.95), quantile(0.99), quantile(1.0), processor / in_all * 1e6,
                     failures);
}

double processor_seconds() {
  struct rusage use {};
  ::getrusage(RUSAGE_SELF, &use);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

} // namespace homeward::bench
