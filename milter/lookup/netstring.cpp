#include "milter/lookup/netstring.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace homeward::milter::lookup {

void netstring_reader::take_digit(char c) {
  if (c < '0' || c > '9') {
    fault_ = "a length was expected";
    return;
  }
  if (at_ == place::length && length_ == 0) {
    fault_ = "the length begins with a zero";
    return;
  }
  length_ = length_ * 10 + static_cast<std::size_t>(c - '0');
  at_ = place::length;
  if (length_ > longest_) {
    fault_ = "the request is too long";
  }
}

void netstring_reader::take_length_end(char c) {
  if (c != ':') {
    take_digit(c);
    return;
  }
  at_ = length_ == 0 ? place::comma : place::content;
}

std::size_t netstring_reader::take_content(std::string_view octets) {
  const std::size_t count = std::min(octets.size(), length_ - content_.size());
  content_.append(octets.substr(0, count));
  if (content_.size() == length_) {
    at_ = place::comma;
  }
  return count;
}

std::size_t netstring_reader::take(std::string_view octets) {
  if (at_ == place::end) {
    at_ = place::begin;
    length_ = 0;
    content_.clear();
  }
  std::size_t taken = 0;
  while (taken < octets.size() && !bad() && at_ != place::end) {
    const char c = octets[taken];
    switch (at_) {
    case place::begin: take_digit(c); break;
    case place::length: take_length_end(c); break;
    case place::content: taken += take_content(octets.substr(taken)); continue;
    case place::comma:
      at_ = place::end;
      fault_ = c == ',' ? "" : "no comma after the request";
      break;
    case place::end: break;
    }
    ++taken;
  }
  return taken;
}

void append_netstring(std::string& out, std::string_view content) {
  fmt::format_to(std::back_inserter(out), "{}:{},", content.size(), content);
}

} // namespace homeward::milter::lookup
