#include "milter/lookup/answer.hpp"

#include <algorithm>

#include "lib/base/escape.hpp"

namespace homeward::milter::lookup {

namespace {

constexpr std::size_t longest_text = 1000;

// A backslash is an ordinary character of a quoted mailbox; only what cannot stand in a line is
// escaped.
std::string printable(const std::string& text) {
  const bool plain =
      text.size() <= longest_text &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
  return plain ? text : escape(text, longest_text);
}

} // namespace

std::string to_text(const answer& a) {
  if (const auto* f = std::get_if<found>(&a)) {
    return "OK " + printable(f->value);
  }
  if (const auto* l = std::get_if<later>(&a)) {
    return "TEMP " + printable(l->why);
  }
  return "NOTFOUND ";
}

} // namespace homeward::milter::lookup
