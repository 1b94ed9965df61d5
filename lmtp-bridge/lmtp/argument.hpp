#pragma once
// Small steps in reading a command's argument.

#include <optional>
#include <string>
#include <string_view>

namespace homeward::lmtp {

// ASCII letters only.
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b);

// Takes `keyword`, in any case, off the front of `text`, and the spaces behind it. False, and
// `text` unchanged, if it does not stand there.
[[nodiscard]] bool take_keyword(std::string_view& text, std::string_view keyword);

// Takes the next word off the front of `text`, with the spaces around it; empty at the end.
[[nodiscard]] std::string_view take_word(std::string_view& text);

// A `NAME=value` word of an ESMTP command; `value` is empty for a word without '='.
struct parameter {
  std::string_view name;
  std::optional<std::string_view> value;
};
[[nodiscard]] parameter split_parameter(std::string_view word);

// Decodes xtext (RFC 3461 4): `+XX` is an octet. None if it is malformed.
[[nodiscard]] std::optional<std::string> decode_xtext(std::string_view text);

} // namespace homeward::lmtp
