#pragma once
// Mail addresses as SMTP and LMTP carry them: `local@domain`, a bare local part, quoted local
// parts, address literals, source routes (read and dropped), and UTF-8 where the transaction allows
// it. The parser is the first gate for text that later reaches a line protocol, a log and a path:
// what it accepts holds no control octet, no line break and only well-formed UTF-8. Pure value
// code; any thread.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <boost/system/result.hpp>

namespace homeward::mail {

// The longest path in octets, angle brackets included (RFC 5321 4.5.3.1.3). Local parts longer than
// 64 octets are accepted as long as the path fits: they occur in the wild.
inline constexpr std::size_t longest_path = 256;
inline constexpr std::size_t longest_domain = 255; // RFC 5321 4.5.3.1.2
inline constexpr std::size_t longest_label = 63;   // RFC 1035 2.3.4

// One mailbox name. The members hold meaning, not notation: a quoted local part is stored unquoted.
struct address {
  // Never empty. Octets 0x20..0x7e, and well-formed UTF-8 if that was allowed.
  std::string local = {};
  // As given. Empty for a bare local part; `[192.0.2.1]` with its brackets for an address literal.
  std::string domain = {};

  friend bool operator==(const address&, const address&) = default;
};

// The address in its one canonical notation, without angle brackets: quoted only where RFC 5321
// 4.1.2 requires it. Parsing the result gives an equal address again.
[[nodiscard]] std::string to_string(const address& a);

// Why a text is not an address. Values are for this process only.
enum class address_fault : std::uint8_t {
  empty,           // nothing between the brackets
  syntax,          // not local@domain
  control_octet,   // NUL, a line break or another control octet, quoted or not
  not_utf8,        // octets above 0x7f that are not well-formed UTF-8
  needs_smtputf8,  // well-formed UTF-8 in a transaction without SMTPUTF8 (RFC 6531 3.4)
  domain_too_long, // over 255 octets, or a label over 63
  path_too_long,   // over 256 octets in all
};

// A few words for the reply line, such as "control characters are not allowed in an address".
[[nodiscard]] std::string_view words(address_fault fault);

// boost::system::result wants to know what to do when a value is asked of a fault: it is a bug.
[[noreturn]] void throw_exception_from_error(address_fault fault,
                                             const boost::source_location& where);

template <class T>
using address_result = boost::system::result<T, address_fault>;

// Whether octets above 0x7f may appear (RFC 6531: the transaction has the SMTPUTF8 parameter; in
// the directory and on the command line they always may).
enum class charset : std::uint8_t { ascii, utf8 };

// Parses `local@domain` or a bare local part, without angle brackets and without a source route:
// addresses in settings, on command lines and in the directory.
[[nodiscard]] address_result<address> parse_address(std::string_view text, charset allowed);

// Parses what stands between the angle brackets of a path, or the whole path with them (RFC 5321
// 4.1.2 Path). A source route `@a,@b:` is read and dropped. An empty path is the fault `empty`; the
// null sender is the business of reverse_path.
[[nodiscard]] address_result<address> parse_path(std::string_view text, charset allowed);

// A path at the start of a command argument, and what follows it.
struct path_and_rest {
  std::string_view path; // with its angle brackets
  std::string_view rest; // behind the closing bracket
};

// Finds the path at the start of `text`, which must begin with `<`. Brackets inside a quoted local
// part do not end it. The fault is `syntax` when there is no path. Views into `text`.
[[nodiscard]] address_result<path_and_rest> split_path(std::string_view text);

// True if `text` is well-formed UTF-8 (RFC 3629) without C1 controls (U+0080..U+009F).
[[nodiscard]] bool is_clean_utf8(std::string_view text);

} // namespace homeward::mail
