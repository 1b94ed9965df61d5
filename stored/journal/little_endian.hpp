#pragma once
// Numbers in octets, little-endian, as the journal has them everywhere.

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>

#include <boost/endian/conversion.hpp>

namespace homeward::journal {

// Writes sizeof(T) octets at `into`.
template <std::unsigned_integral T>
void store(char* into, T value) {
  boost::endian::endian_store<T, sizeof(T), boost::endian::order::little>(
      reinterpret_cast<unsigned char*>(into), value);
}

template <std::unsigned_integral T>
void append(std::string& out, T value) {
  char octets[sizeof(T)];
  store(octets, value);
  out.append(octets, sizeof(T));
}

// Reads sizeof(T) octets at `at`, which must be there.
template <std::unsigned_integral T>
[[nodiscard]] T load(std::string_view from, std::size_t at) {
  return boost::endian::endian_load<T, sizeof(T), boost::endian::order::little>(
      reinterpret_cast<const unsigned char*>(from.data() + at));
}

} // namespace homeward::journal
