#pragma once
// Netstrings, the frames of the socketmap protocol: the length in decimal, a colon, that many
// octets, a comma. "3:abc,". docs/protocol/lookup.md has the grammar and the limits.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace homeward::milter::lookup {

// Reads netstrings from octets that come in pieces of any size. Strict: the length has no leading
// zeros, no sign and no spaces. Memory is bounded by `longest`. One thread at a time.
class netstring_reader {
 public:
  // `longest` content in octets; a longer one is a fault as soon as its length is known.
  explicit netstring_reader(std::size_t longest) : longest_(longest) {}

  // Takes octets up to the end of one netstring, or all. Returns how many; 0 once it is bad.
  [[nodiscard]] std::size_t take(std::string_view octets);

  // A whole netstring was read: content() holds it until the next take().
  [[nodiscard]] bool whole() const { return at_ == place::end && !bad(); }
  [[nodiscard]] std::string_view content() const { return content_; }
  // What came is no netstring, and nothing after it can be understood.
  [[nodiscard]] bool bad() const { return !fault_.empty(); }
  [[nodiscard]] std::string_view fault() const { return fault_; } // words for the log
  // Nothing of the next one has come.
  [[nodiscard]] bool between() const { return at_ == place::begin || at_ == place::end; }

 private:
  enum class place : std::uint8_t { begin, length, content, comma, end };

  void take_digit(char c);
  void take_length_end(char c);
  [[nodiscard]] std::size_t take_content(std::string_view octets);

  std::size_t longest_;
  place at_ = place::begin;
  std::size_t length_ = 0;
  std::string content_;
  std::string_view fault_;
};

// Appends `content` as a netstring.
void append_netstring(std::string& out, std::string_view content);

} // namespace homeward::milter::lookup
