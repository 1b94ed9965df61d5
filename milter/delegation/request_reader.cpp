#include "milter/delegation/request_reader.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace homeward::milter::delegation {

namespace {

constexpr std::array<std::pair<std::string_view, std::string request::*>, 7> texts = {{
    {"protocol_state", &request::protocol_state},
    {"sender", &request::sender},
    {"recipient", &request::recipient},
    {"client_address", &request::client_address},
    {"sasl_username", &request::sasl_username},
    {"instance", &request::instance},
    {"queue_id", &request::queue_id},
}};

// 0 for what is no number: then nothing is known about the size, as when a sender does not tell it.
std::uint64_t number_in(std::string_view value) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  return error == std::errc{} && end == value.data() + value.size() ? number : 0;
}

} // namespace

void request_reader::begin() {
  request_ = request{};
  octets_ = 0;
  attributes_ = 0;
  is_policy_ = false;
  whole_ = false;
}

std::size_t request_reader::take(std::string_view octets) {
  if (bad()) {
    return 0;
  }
  if (whole_) {
    begin();
  }
  std::size_t taken = 0;
  while (taken < octets.size() && !whole_ && !bad()) {
    const std::string_view rest = octets.substr(taken);
    const std::size_t end = rest.find('\n');
    const std::size_t piece = std::min(end, rest.size());
    const std::size_t with_end = piece + (end == std::string_view::npos ? 0 : 1);
    if (line_.size() + piece > limits_.line) {
      fault_ = "an attribute is too long";
    } else if (octets_ + with_end > limits_.total) {
      fault_ = "the request is too long";
    } else {
      line_.append(rest.substr(0, piece));
      octets_ += with_end;
      if (end != std::string_view::npos) {
        end_line();
      }
    }
    taken += with_end;
  }
  return taken;
}

void request_reader::end_line() {
  std::string_view line = line_;
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  const std::size_t equals = line.find('=');
  if (line.empty()) {
    end_request();
  } else if (equals == std::string_view::npos || equals == 0) {
    fault_ = "a line is not name=value";
  } else if (line.find('\0') != std::string_view::npos) {
    fault_ = "there is a NUL";
  } else if (++attributes_ > limits_.attributes) {
    fault_ = "there are too many attributes";
  } else {
    take_attribute(line.substr(0, equals), line.substr(equals + 1));
  }
  line_.clear();
}

void request_reader::end_request() {
  if (!is_policy_) {
    fault_ = "it is not a request=smtpd_access_policy";
  } else if (request_.protocol_state.empty()) {
    fault_ = "there is no protocol_state";
  } else {
    whole_ = true;
  }
}

void request_reader::take_attribute(std::string_view name, std::string_view value) {
  if (name == "request") {
    is_policy_ = value == "smtpd_access_policy";
  } else if (name == "size") {
    request_.size = byte_count{number_in(value)};
  } else if (name == "recipient_count") {
    request_.recipient_count = static_cast<std::size_t>(number_in(value));
  } else {
    const auto known = std::find_if(texts.begin(), texts.end(),
                                    [&](const auto& text) { return text.first == name; });
    if (known != texts.end()) {
      request_.*(known->second) = value;
    }
  }
}

} // namespace homeward::milter::delegation
