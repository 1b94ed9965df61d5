#include "lib/mail/trace.hpp"

#include <algorithm>

namespace homeward::mail {
namespace {

constexpr std::string_view field_name = "received";

std::string without_controls(std::string_view text) {
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(),
      [](char c) { return static_cast<std::uint8_t>(c) < 0x20 || c == 0x7F; }, '?');
  return out;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

} // namespace

std::string return_path_line(std::string_view sender) {
  if (sender.starts_with('<') && sender.ends_with('>')) {
    sender = sender.substr(1, sender.size() - 2);
  }
  return "Return-Path: <" + without_controls(sender) + ">";
}

std::string delivered_to_line(std::string_view mailbox) {
  return "Delivered-To: " + without_controls(mailbox);
}

void received_finder::feed(std::string_view piece) {
  piece = piece.substr(0, header_search_limit - seen_);
  seen_ += piece.size();
  while (!done_ && !piece.empty()) {
    if (state_ == state::line) {
      const std::size_t end = piece.find('\n');
      if (end == std::string_view::npos) {
        break;
      }
      piece.remove_prefix(end);
    }
    take(piece.front());
    piece.remove_prefix(1);
  }
  done_ = done_ || seen_ == header_search_limit;
}

void received_finder::take(char c) {
  if (c == '\n') {
    done_ = line_is_empty_;
    state_ = state::name;
    matched_ = 0;
    line_is_empty_ = true;
    return;
  }
  line_is_empty_ = line_is_empty_ && c == '\r';
  switch (state_) {
  case state::name:
    if (lower(c) == field_name[matched_]) {
      ++matched_;
      if (matched_ == field_name.size()) {
        state_ = state::after_name;
      }
    } else if (c != '\r' || matched_ > 0) {
      state_ = state::line;
    }
    break;
  case state::after_name:
    if (c == ':') {
      found_ = true;
      done_ = true;
    } else if (c != ' ' && c != '\t') {
      state_ = state::line;
    }
    break;
  case state::line: break;
  }
}

bool has_received(std::string_view message) {
  received_finder finder;
  finder.feed(message);
  return finder.found();
}

} // namespace homeward::mail
