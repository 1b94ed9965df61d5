#pragma once
// Reads policy requests: lines of name=value, ended by an empty line. Attributes that this server
// does not look at are read and dropped, so that newer clients can say more. Pure; octets come in
// pieces of any size, and memory is bounded by the limits.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "milter/delegation/request.hpp"

namespace homeward::milter::delegation {

// What is beyond is a fault. Postfix sends about 30 attributes and 1 KiB; its own values stay below
// 3 KiB.
struct request_limits {
  std::size_t line = 8192; // octets of one attribute, name and value
  std::size_t attributes = 200;
  std::size_t total = 65'536; // octets of one request
};

class request_reader {
 public:
  explicit request_reader(request_limits limits = {}) : limits_(limits) {}

  // Takes octets up to the end of one request, or all. Returns how many; 0 once it is bad. A number
  // that is none counts as 0, a line may end in CR LF, an attribute that comes twice counts as it
  // came last.
  [[nodiscard]] std::size_t take(std::string_view octets);

  // A whole request was read: get() is good until the next take().
  [[nodiscard]] bool whole() const { return whole_; }
  [[nodiscard]] const request& get() const { return request_; }
  // This is no policy request. Where the next one would begin cannot be told.
  [[nodiscard]] bool bad() const { return !fault_.empty(); }
  [[nodiscard]] std::string_view fault() const { return fault_; } // words for the log
  // Nothing of the next one has come.
  [[nodiscard]] bool between() const { return octets_ == 0 || whole_; }

 private:
  void begin();
  void end_line();
  void end_request();
  void take_attribute(std::string_view name, std::string_view value);

  request_limits limits_;
  std::string line_;
  request request_;
  std::size_t octets_ = 0;     // of this request
  std::size_t attributes_ = 0; // of this request
  bool is_policy_ = false;     // request=smtpd_access_policy was there
  bool whole_ = false;
  std::string_view fault_;
};

} // namespace homeward::milter::delegation
