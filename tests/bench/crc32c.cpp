#include "tests/bench/crc32c.hpp"

#include <array>
#include <cstring>

namespace homeward::bench {

namespace {

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value & 1U) != 0 ? (value >> 1U) ^ 0x82F63B78U : value >> 1U;
    }
    table[i] = value;
  }
  return table;
}

std::uint32_t by_table(std::uint32_t state, std::string_view octets) {
  static constexpr auto table = make_table();
  for (const char c : octets) {
    state = table[(state ^ static_cast<unsigned char>(c)) & 0xFFU] ^ (state >> 8U);
  }
  return state;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::uint32_t state,
                                                               std::string_view octets) {
  std::uint64_t wide = state;
  while (octets.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, octets.data(), sizeof word);
    wide = __builtin_ia32_crc32di(wide, word);
    octets.remove_prefix(sizeof word);
  }
  state = static_cast<std::uint32_t>(wide);
  for (const char c : octets) {
    state = __builtin_ia32_crc32qi(state, static_cast<unsigned char>(c));
  }
  return state;
}
#endif

} // namespace

std::uint32_t crc32c(std::uint32_t crc, std::string_view octets) {
#ifdef __x86_64__
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) {
    return ~by_instruction(~crc, octets);
  }
#endif
  return ~by_table(~crc, octets);
}

} // namespace homeward::bench
