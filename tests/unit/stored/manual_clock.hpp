#pragma once
// A clock that stands still until a test moves it. Safe from any thread.

#include <atomic>

#include "lib/base/clock.hpp"

namespace homeward::stored::test {

class manual_clock final : public clock_source {
 public:
  void advance(std::chrono::nanoseconds by) { now_ += by.count(); }

  [[nodiscard]] steady_time steady_now() const override {
    return steady_time(std::chrono::nanoseconds(now_.load()));
  }
  [[nodiscard]] wall_time wall_now() const override {
    return wall_time(
        std::chrono::duration_cast<wall_time::duration>(std::chrono::nanoseconds(now_.load())));
  }

 private:
  std::atomic<std::int64_t> now_{std::chrono::nanoseconds(std::chrono::hours(1000)).count()};
};

} // namespace homeward::stored::test
