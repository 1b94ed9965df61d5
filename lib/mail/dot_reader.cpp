#include "lib/mail/dot_reader.hpp"

#include <cstring>

namespace homeward::mail {

dot_reader::step dot_reader::read(std::string_view input) {
  // Each turn of the loop takes one octet of what stands at the start of a line, without output;
  // read_text takes everything that needs no decision.
  std::size_t consumed = 0;
  while (consumed < input.size()) {
    const char c = input[consumed];
    switch (state_) {
    case state::line_start:
      if (c != '.') {
        state_ = state::text;
        break;
      }
      state_ = state::dot;
      ++consumed;
      continue;
    case state::dot:
      if (c != '\r') {
        state_ = state::text;
        break;
      }
      state_ = state::dot_cr;
      ++consumed;
      continue;
    case state::dot_cr:
      if (c == '\n') {
        state_ = state::finished;
        return {.consumed = consumed + 1, .body = {}, .finished = true};
      }
      // The CR that was held back belongs to the message, and it is the octet before this one.
      state_ = state::text_cr;
      return {.consumed = consumed, .body = "\r", .finished = false};
    case state::text:
    case state::text_cr: break;
    case state::finished: return {.consumed = 0, .body = {}, .finished = true};
    }
    step text = read_text(input.substr(consumed));
    text.consumed += consumed;
    return text;
  }
  return {.consumed = consumed, .body = {}, .finished = finished()};
}

// Reads up to the next dot at the start of a line, or everything.
dot_reader::step dot_reader::read_text(std::string_view input) {
  std::size_t from = 0;
  while (true) {
    const void* found = std::memchr(input.data() + from, '\n', input.size() - from);
    if (found == nullptr) {
      if (input.back() == '\r') {
        state_ = state::text_cr;
      } else {
        state_ = state::text;
      }
      return {.consumed = input.size(), .body = input, .finished = false};
    }
    const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - input.data());
    const bool after_cr = at == 0 ? state_ == state::text_cr : input[at - 1] == '\r';
    from = at + 1;
    if (from == input.size()) {
      state_ = after_cr ? state::line_start : state::text;
      return {.consumed = from, .body = input, .finished = false};
    }
    if (after_cr && input[from] == '.') {
      state_ = state::line_start;
      return {.consumed = from, .body = input.substr(0, from), .finished = false};
    }
  }
}

std::string dot_stuff(std::string_view message) {
  std::string out;
  out.reserve(message.size() + message.size() / 64 + 8);
  bool at_line_start = true;
  for (const char c : message) {
    if (at_line_start && c == '.') {
      out += '.';
    }
    at_line_start = c == '\n' && !out.empty() && out.back() == '\r';
    out += c;
  }
  if (!at_line_start) {
    out += "\r\n";
  }
  out += ".\r\n";
  return out;
}

} // namespace homeward::mail
