#pragma once
// The sender of a transaction: an address, or nobody (`<>`, the sender of bounces, RFC 5321 4.5.5).
// Value type; any thread.

#include <optional>
#include <string>
#include <string_view>

#include "lib/mail/address.hpp"

namespace homeward::mail {

class reverse_path {
 public:
  // The null sender.
  reverse_path() = default;
  explicit reverse_path(address sender) : sender_(std::move(sender)) {}

  [[nodiscard]] bool is_null() const { return !sender_.has_value(); }
  // The address; only when not null.
  [[nodiscard]] const address& sender() const { return *sender_; }

  // `<ann@example.org>` or `<>`: how it is written in FROM, in Return-Path and in the log.
  [[nodiscard]] std::string text() const;

  friend bool operator==(const reverse_path&, const reverse_path&) = default;

 private:
  std::optional<address> sender_;
};

// Parses `<ann@example.org>`, `<>`, or the same without brackets (an empty text is the null
// sender).
[[nodiscard]] address_result<reverse_path> parse_reverse_path(std::string_view text,
                                                              charset allowed);

} // namespace homeward::mail
