#pragma once
// Time enters pure code as a value or through this interface, so that tests can set it.

#include <chrono>

namespace homeward {

using steady_time = std::chrono::steady_clock::time_point;
using wall_time = std::chrono::system_clock::time_point;

// Where the drivers and services take the time from. Implementations are safe to call from any
// thread.
class clock_source {
 public:
  clock_source() = default;
  clock_source(const clock_source&) = delete;
  clock_source& operator=(const clock_source&) = delete;
  virtual ~clock_source() = default;

  [[nodiscard]] virtual steady_time steady_now() const = 0; // for durations and deadlines
  [[nodiscard]] virtual wall_time wall_now() const = 0;     // for names and people
};

// The machine's own clocks.
class system_clock_source final : public clock_source {
 public:
  [[nodiscard]] steady_time steady_now() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] wall_time wall_now() const override { return std::chrono::system_clock::now(); }
};

} // namespace homeward
