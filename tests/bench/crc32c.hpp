#pragma once
// CRC32C (Castagnoli) for the benchmarks, which shall not depend on the code they measure.

#include <cstdint>
#include <string_view>

namespace homeward::bench {

// The checksum of what `crc` is the checksum of, followed by `octets`. Begin with 0. Uses the
// processor's own instruction where there is one.
[[nodiscard]] std::uint32_t crc32c(std::uint32_t crc, std::string_view octets);

} // namespace homeward::bench
