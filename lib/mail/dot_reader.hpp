#pragma once
// The message behind DATA: dot-stuffed on the wire (RFC 5321 4.5.2), ended by CR LF . CR LF and by
// nothing else. Octets are handed on exactly as they came: NUL, 8-bit, bare CR and bare LF
// included. That strictness is the whole defence against smuggled messages: no other sequence is an
// end.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace homeward::mail {

// Takes the octets as they arrive, in any pieces, and gives the message back in pieces that are
// views into them: nothing is copied. One object per message; one thread at a time.
class dot_reader {
 public:
  // What one call did.
  struct step {
    std::size_t consumed = 0;   // octets of the input that are done with
    std::string_view body = {}; // the next piece of the message; a view into the input or static
    bool finished = false; // the end was read; the input behind `consumed` is not the message's
  };

  // Reads from the start of `input`. Call again with the rest until everything is consumed or the
  // end was found; `body` may be empty in between. A non-empty input always makes progress. After
  // the end nothing is consumed.
  [[nodiscard]] step read(std::string_view input);

  [[nodiscard]] bool finished() const { return state_ == state::finished; }

 private:
  // What stands directly before the next octet.
  enum class state : std::uint8_t {
    line_start, // CR LF, or the start of the message
    dot,        // a dot at the start of a line; it is not part of the message
    dot_cr,     // that dot and a CR
    text,       // anything else
    text_cr,    // a CR
    finished
  };

  [[nodiscard]] step read_text(std::string_view input);

  state state_ = state::line_start;
};

// The other direction: `message` as a client sends it behind DATA, with every dot at the start of a
// line doubled and the end appended. A message that does not end in CR LF gets one.
[[nodiscard]] std::string dot_stuff(std::string_view message);

} // namespace homeward::mail
