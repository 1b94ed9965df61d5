#pragma once
// The header lines that a final delivery adds above a message, and the one that it looks for.
// Pure; any thread.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace homeward::mail {

// `Return-Path: <ann@example.org>` without a line end (RFC 5321 4.4). `sender` is the address
// without or with its angle brackets; empty or `<>` is the null sender. Control octets become '?',
// so that no envelope can inject a header line.
[[nodiscard]] std::string return_path_line(std::string_view sender);

// `Delivered-To: ann@example.org` without a line end, for the canonical mailbox; controls become
// '?'.
[[nodiscard]] std::string delivered_to_line(std::string_view mailbox);

// How far into a message the header is searched, in octets.
inline constexpr std::size_t header_search_limit = std::size_t{64} << 10U;

// Looks for a Received field in the header of a message that arrives in pieces. It stops at the
// empty line, at the first hit and at header_search_limit. Lines may end in CR LF or LF. Constant
// memory. One thread at a time.
class received_finder {
 public:
  void feed(std::string_view piece);
  // A Received field was seen.
  [[nodiscard]] bool found() const { return found_; }
  // More octets cannot change the answer.
  [[nodiscard]] bool done() const { return done_; }

 private:
  enum class state : std::uint8_t { name, after_name, line };
  void take(char c);

  std::size_t seen_ = 0;    // octets so far
  std::size_t matched_ = 0; // how much of "received" the current line has matched
  state state_ = state::name;
  bool line_is_empty_ = true;
  bool found_ = false;
  bool done_ = false;
};

// The same for a header that is at hand: does its first 64 KiB hold a Received field?
[[nodiscard]] bool has_received(std::string_view message);

} // namespace homeward::mail
