#pragma once
// The command lines of the storage protocol, both ways: parse_* for the server, encode_* for the
// client. docs/protocol/storage-protocol.md, "Commands". For every pair
// parse(encode(value)) = value, or encode refuses. Pure functions, safe from any thread.
//
// A refusal is a failure with reason syntax (or too_big) whose `what` is fit for the -ERR reply: it
// says what was expected and does not repeat the peer's octets.

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/failure.hpp"
#include "lib/store_protocol/limits.hpp"
#include "lib/store_protocol/transaction.hpp"

namespace homeward::store_protocol {

// A line without its line end, cut at the first space. Views into the line.
struct command_line {
  std::string_view verb;     // as written; compare with equal_ignoring_case
  std::string_view argument; // without spaces before and after; may be empty
};
[[nodiscard]] command_line split_command(std::string_view line);

// The failure for a peer that did not keep to the grammar.
[[nodiscard]] failure syntax_failure(std::string what);

// The arguments. Octets of `argument` are never control characters: the caller checked the line.
[[nodiscard]] result<std::uint64_t> parse_number(std::string_view text);
[[nodiscard]] result<std::string> parse_partition(std::string_view argument, const limits& l);
// FROM: the address without angle brackets; empty for "<>".
[[nodiscard]] result<std::string> parse_sender(std::string_view argument, const limits& l);
// RCPT; parameters are refused unless the peer asked for PARAMS.
[[nodiscard]] result<recipient> parse_recipient(std::string_view argument, bool with_parameters,
                                                const limits& l);

// Whole command lines, CR LF included. Each refuses what its parser would not give back, and lines
// longer than limits.line.
[[nodiscard]] std::string encode_size(byte_count size);
[[nodiscard]] result<std::string> encode_name(const message_name& name, const limits& l);
[[nodiscard]] result<std::string> encode_partition(std::string_view partition, const limits& l);
[[nodiscard]] result<std::string> encode_sender(std::string_view sender, const limits& l);
// Parameters only when the store takes them. ORIG is for people: it is left out when it does not
// fit.
[[nodiscard]] result<std::string> encode_recipient(const recipient& r, bool with_parameters,
                                                   const limits& l);

} // namespace homeward::store_protocol
