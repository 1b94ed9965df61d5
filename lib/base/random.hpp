#pragma once
// Randomness for names that must not collide and for jitter. Safe from any thread.

#include <cstddef>
#include <cstdint>
#include <string>

namespace homeward {

// `octets` octets of the kernel's randomness in lower-case hexadecimal (twice as many characters).
[[nodiscard]] std::string random_hex(std::size_t octets);

// Uniform in [low, high]; for jitter, not for secrets.
[[nodiscard]] std::uint64_t random_between(std::uint64_t low, std::uint64_t high);

} // namespace homeward
