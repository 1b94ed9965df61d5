#pragma once
// The payload of a record as octets, and back. Little-endian; strings are counted, never
// terminated. docs/format/journal.md, "Payloads".

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/failure.hpp"

#include "stored/journal/record.hpp"

namespace homeward::journal {

// No more than this is read from a payload, whatever its counts say. A recipient list of the
// protocol's largest transaction fits.
inline constexpr std::size_t max_mailboxes = 100000;
// The largest payload: a group with it still counts its octets in 32 bits.
inline constexpr std::size_t max_payload = std::size_t{1} << 30U;

[[nodiscard]] record_type type_of(const record& r);
// Whether this version knows what a record of the type means.
[[nodiscard]] bool is_known(record_type type);

// Adds the payload to `out`: all of it, the message of a delivery included. It writes what it is
// given: that `size` is the size of `message` is for the caller to see to. A string over 65,535
// octets and the limits above are bugs of the caller: std::length_error, with `out` as it was.
void append_payload(std::string& out, const record& r);
// How many octets that will be; throws as append_payload() does.
[[nodiscard]] std::size_t payload_size(const record& r);

// The strings of the result are copies; `message` is a view of `payload`. A failure says what is
// wrong with it: cut short, octets left over, a count that cannot be.
[[nodiscard]] result<record> decode_payload(record_type type, std::string_view payload);

} // namespace homeward::journal
