#pragma once
// A number of octets as a type, so that no reader has to guess the unit of a limit.

#include <compare>
#include <cstdint>
#include <string>

#include <fmt/format.h>

namespace homeward {

struct byte_count {
  std::uint64_t octets = 0;

  friend constexpr auto operator<=>(byte_count, byte_count) = default;
};

inline namespace literals {
constexpr byte_count operator""_B(unsigned long long n) {
  return {n};
}
constexpr byte_count operator""_KiB(unsigned long long n) {
  return {n << 10U};
}
constexpr byte_count operator""_MiB(unsigned long long n) {
  return {n << 20U};
}
constexpr byte_count operator""_GiB(unsigned long long n) {
  return {n << 30U};
}
} // namespace literals

// "64 MiB", "17 KiB", "512 B": the largest unit that divides it, as the settings accept it.
[[nodiscard]] inline std::string to_string(byte_count n) {
  constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::uint64_t value = n.octets;
  unsigned unit = 0;
  while (unit < 4 && value != 0 && value % 1024 == 0) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{} {}", value, units[unit]);
}

} // namespace homeward
