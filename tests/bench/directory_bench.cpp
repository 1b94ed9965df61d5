// How large and how fast the replica of the user directory is: a million users, known and unknown
// names, one thread and several, and the cost of a refresh after one change.
//
//   ninja directory_bench && bin/directory_bench

#include <fstream>
#include <string>
#include <unistd.h>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "lib/base/clock.hpp"
#include "lib/directory/replica.hpp"

namespace homeward::directory {
namespace {

constexpr std::uint64_t user_count = 1'000'000;

std::string mailbox(std::uint64_t number) {
  return fmt::format("firstname.lastname{}@example.org", number);
}

user make_user(std::uint64_t number) {
  return {.mailbox = mailbox(number),
          .where = {.primary = {fmt::format("store{}", number % 4), "mail1"}, .epoch = 1}};
}

// A million users that nobody has to store.
class synthetic_engine final : public engine {
 public:
  [[nodiscard]] std::string description() const override { return "synthetic"; }
  [[nodiscard]] result<position> load(receiver& into) override {
    for (int i = 0; i < 4; ++i) {
      into.put(server{.name = fmt::format("store{}", i), .endpoints = {"127.0.0.1:2424"}});
      into.put(partition{.id = {fmt::format("store{}", i), "mail1"}});
    }
    into.expect_users(user_count);
    for (std::uint64_t i = 0; i < user_count; ++i) {
      into.put(make_user(i));
    }
    return position{"g", change_};
  }
  [[nodiscard]] result<std::optional<position>> changes_since(const position& /*known*/,
                                                              receiver& into) override {
    ++change_;
    into.put(make_user(change_ % user_count));
    return std::optional(position{"g", change_});
  }
  [[nodiscard]] result<std::vector<server>> servers() override { return std::vector<server>{}; }
  [[nodiscard]] result<std::vector<partition>> partitions() override {
    return std::vector<partition>{};
  }
  [[nodiscard]] result<std::vector<partition_use>> usage() override {
    return std::vector<partition_use>{};
  }
  [[nodiscard]] result<std::optional<user>> find_user(std::string_view /*mailbox*/) override {
    return std::optional<user>{};
  }
  [[nodiscard]] result<void> each_user(const user_filter& /*filter*/,
                                       const std::function<bool(const user&)>& /*visit*/) override {
    return {};
  }
  [[nodiscard]] result<std::unique_ptr<edit>> begin() override {
    return transient_failure("read only");
  }

 private:
  std::uint64_t change_ = 1;
};

double resident_megabytes() {
  std::ifstream in("/proc/self/statm");
  double total = 0;
  double resident = 0;
  in >> total >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1e6;
}

// One for the whole program, filled before the first benchmark.
struct filled_replica {
  filled_replica() : value(clock) {
    const double before = resident_megabytes();
    (void)value.refresh(source);
    resident = resident_megabytes() - before;
  }
  system_clock_source clock;
  synthetic_engine source;
  replica value;
  double resident = 0;
};

filled_replica& filled() {
  static filled_replica replica;
  return replica;
}

void look_up_known(benchmark::State& state) {
  auto& r = filled();
  std::uint64_t number = 7919 * static_cast<std::uint64_t>(state.thread_index() + 1);
  for (auto _ : state) {
    number = (number * 2862933555777941757U + 3037000493U) % user_count;
    benchmark::DoNotOptimize(r.value.lookup(mailbox(number)));
  }
  const auto average = benchmark::Counter::kAvgThreads;
  state.counters["resident_MB"] = benchmark::Counter(r.resident, average);
  state.counters["table_MB"] =
      benchmark::Counter(static_cast<double>(r.value.view().memory()) / 1e6, average);
}
BENCHMARK(look_up_known)->Threads(1)->Threads(2)->Threads(8)->UseRealTime();

void look_up_unknown(benchmark::State& state) {
  auto& r = filled();
  std::uint64_t number = 1;
  for (auto _ : state) {
    benchmark::DoNotOptimize(r.value.lookup(mailbox(user_count + ++number)));
  }
}
BENCHMARK(look_up_unknown);

void refresh_one_change(benchmark::State& state) {
  auto& r = filled();
  for (auto _ : state) {
    benchmark::DoNotOptimize(r.value.refresh(r.source));
  }
}
BENCHMARK(refresh_one_change);

void load_everything(benchmark::State& state) {
  synthetic_engine source;
  const system_clock_source clock;
  for (auto _ : state) {
    replica r(clock);
    benchmark::DoNotOptimize(r.refresh(source));
  }
}
BENCHMARK(load_everything)->Unit(benchmark::kMillisecond)->Iterations(3);

} // namespace
} // namespace homeward::directory

BENCHMARK_MAIN();
