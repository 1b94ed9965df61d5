#pragma once
// The reply lines of the storage protocol, both ways.
//
//   +OK [STORED name=1700000000.k1.mx1 busy=12] <ann@example.org> stored
//   ^ok  ^code  ^pairs                          ^text
//   -ERR [MOVED store2/mail1] <ann@example.org> lives elsewhere
//              ^argument
//
// docs/protocol/storage-protocol.md, "Replies" and "Codes". Pure, safe from any thread.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/failure.hpp"
#include "lib/store_protocol/limits.hpp"
#include "lib/store_protocol/transaction.hpp"

namespace homeward::store_protocol {

// One reply line, taken apart.
struct reply {
  bool ok = false;
  std::string code;                                       // upper-case letters; empty: no brackets
  std::vector<std::string> arguments;                     // words without "=" after the code
  std::vector<std::pair<std::string, std::string>> pairs; // key=value, each key once
  std::string text;                                       // for people; no control characters

  // The value of a pair, or null. Unknown pairs are skipped by whoever does not know them.
  [[nodiscard]] const std::string* find(std::string_view key) const;

  friend bool operator==(const reply&, const reply&) = default;
};

// The line with CR LF. Refuses what parse_reply would not give back, and lines over limits.line.
[[nodiscard]] result<std::string> encode_reply(const reply& r, const limits& l);

// The same, but never refuses: what cannot be written is left out; if the line is too long, first
// the load and other hints go, then the text is cut.
[[nodiscard]] std::string write_reply(reply r, const limits& l);

// `line` without its CR LF. Fails when it begins with neither "+OK" nor "-ERR" or holds a control
// character. Brackets that do not keep to the grammar are text.
[[nodiscard]] result<reply> parse_reply(std::string_view line);

// The bracketed code of a failure and back. An unknown or missing code is [TEMP].
[[nodiscard]] std::string_view code_of(failure_reason reason);
[[nodiscard]] std::optional<failure_reason> reason_of(std::string_view code);

// -ERR with code, argument and words of `f`; its cause and advice stay at home.
[[nodiscard]] reply reply_for(const failure& f);

// What an -ERR means for the one who asked. PERM, NOUSER and TOOBIG are permanent, all else is
// transient. `text` replaces the reply's text when the caller has taken a part of it off.
[[nodiscard]] failure failure_from(const reply& r, std::string_view text);

// Load pairs onto a reply, and off it; empty when it carries none that can be read.
void add_load(reply& r, const load_figures& load);
[[nodiscard]] std::optional<load_figures> load_from(const reply& r);

} // namespace homeward::store_protocol
