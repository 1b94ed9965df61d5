#pragma once
// Makes text from a peer safe to print: one line, printable, bounded (reliability promise 25).

#include <cstddef>
#include <string>
#include <string_view>

namespace homeward {

// `text` with every octet outside printable ASCII, and the backslash, as \xHH (\n, \r, \t, \\ for
// those four), cut after `limit` octets of input with "..." appended. Valid UTF-8 is kept as it is,
// so that internationalised addresses stay readable; control characters in it are escaped.
[[nodiscard]] std::string escape(std::string_view text, std::size_t limit = 256);

} // namespace homeward
