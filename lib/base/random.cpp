#include "lib/base/random.hpp"

#include <random>
#include <stdexcept>
#include <sys/random.h>
#include <vector>

namespace homeward {

std::string random_hex(std::size_t octets) {
  std::vector<unsigned char> raw(octets);
  std::size_t filled = 0;
  while (filled < octets) {
    const ssize_t n = ::getrandom(raw.data() + filled, octets - filled, 0);
    if (n < 0) {
      throw std::runtime_error("the kernel gives no random numbers");
    }
    filled += static_cast<std::size_t>(n);
  }
  constexpr const char* digits = "0123456789abcdef";
  std::string out;
  out.reserve(octets * 2);
  for (const unsigned char c : raw) {
    out += digits[c >> 4U];
    out += digits[c & 0xFU];
  }
  return out;
}

std::uint64_t random_between(std::uint64_t low, std::uint64_t high) {
  thread_local std::mt19937_64 engine{std::random_device{}()};
  return std::uniform_int_distribution<std::uint64_t>{low, high}(engine);
}

} // namespace homeward
