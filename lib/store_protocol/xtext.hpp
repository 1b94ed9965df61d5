#pragma once
// xtext (RFC 3461 4): how an original address travels inside a parameter, whatever octets it holds.

#include <optional>
#include <string>
#include <string_view>

namespace homeward::store_protocol {

// Printable ASCII except "+" and "=" as it is, every other octet as +HH (upper-case hexadecimal).
[[nodiscard]] std::string encode_xtext(std::string_view text);

// The octets that `xtext` stands for; empty optional when it is not xtext. An octet may be written
// as +HH although it need not be. decode(encode(t)) = t for every t. The result may hold any octet,
// control characters too: check it before it goes anywhere.
[[nodiscard]] std::optional<std::string> decode_xtext(std::string_view xtext);

} // namespace homeward::store_protocol
