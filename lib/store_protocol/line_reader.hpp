#pragma once
// Cuts a stream of octets into lines, in bounded memory and linear time, with the same result
// however the stream is split.

#include <cstddef>
#include <string>
#include <string_view>

namespace homeward::store_protocol {

// What line_reader::next() found.
struct line_found {
  enum class kind : unsigned char {
    need_more = 1, // all octets were taken, no line end yet
    line = 2,      // a whole line
    too_long = 3,  // a whole line over the limit; `text` is only its first octets
    endless = 4,   // over the second limit and still no line end: give up
  };
  kind what = kind::need_more;
  std::string_view text;    // without LF or CR LF; valid until the next call
  bool with_cr = false;     // the line ended with CR LF, not with a lone LF
  std::size_t consumed = 0; // octets taken from the input
};

// One per direction. `longest` is the limit of a line with its line end, `endless` the one at which
// swallowing an over-long line ends (>= longest).
class line_reader {
 public:
  line_reader(std::size_t longest, std::size_t endless) : longest_(longest), endless_(endless) {}

  [[nodiscard]] line_found next(std::string_view octets);

  // A part of a line is held.
  [[nodiscard]] bool within_line() const { return length_ != 0; }

 private:
  line_found finish(std::string_view last_part, std::size_t consumed);

  std::size_t longest_;
  std::size_t endless_;
  std::size_t length_ = 0; // octets of the line so far, without its LF
  std::string held_;       // the line so far; its first octets once it is too long
  bool taken_ = false;     // held_ was handed out as a line
};

} // namespace homeward::store_protocol
