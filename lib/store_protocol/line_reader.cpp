#include "lib/store_protocol/line_reader.hpp"

#include <algorithm>

namespace homeward::store_protocol {
namespace {

// Of an over-long line: enough to see its verb.
constexpr std::size_t kept_of_too_long = 16;

} // namespace

line_found line_reader::next(std::string_view octets) {
  if (taken_) {
    held_.clear();
    taken_ = false;
  }
  const std::size_t end = octets.find('\n');
  const bool complete = end != std::string_view::npos;
  const std::string_view part = octets.substr(0, end);
  const std::size_t consumed = part.size() + (complete ? 1 : 0);
  const std::size_t total = length_ + consumed;
  if (total > endless_) {
    return {line_found::kind::endless, {}, false, consumed};
  }
  if (complete) {
    return finish(part, consumed);
  }
  length_ = total;
  // A line of `longest` octets with its LF has at most longest - 1 without it.
  const std::size_t room = longest_ - std::min(longest_, held_.size());
  held_.append(part.substr(0, room));
  return {line_found::kind::need_more, {}, false, consumed};
}

line_found line_reader::finish(std::string_view last_part, std::size_t consumed) {
  const std::size_t total = length_ + consumed;
  std::string_view text = last_part;
  if (length_ != 0) {
    held_.append(last_part.substr(0, longest_ - std::min(longest_, held_.size())));
    text = held_;
    taken_ = true;
  }
  length_ = 0;
  if (total > longest_) {
    return {line_found::kind::too_long, text.substr(0, std::min(kept_of_too_long, longest_)), false,
            consumed};
  }
  const bool with_cr = text.ends_with('\r');
  if (with_cr) {
    text.remove_suffix(1);
  }
  return {line_found::kind::line, text, with_cr, consumed};
}

} // namespace homeward::store_protocol
