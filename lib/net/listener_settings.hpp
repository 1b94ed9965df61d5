#pragma once
// The settings of a listening socket, for every daemon that has one, and the checks that go with
// them.

#include <string>
#include <sys/types.h>
#include <vector>

#include "lib/base/failure.hpp"
#include "lib/config/table.hpp"
#include "lib/net/endpoint.hpp"

namespace homeward::net {

// One door. Both values have passed the checks below when they come from a settings file.
struct listener_settings {
  std::string address;       // parse_endpoint
  std::string mode = "0660"; // of a unix socket, octal

  friend bool operator==(const listener_settings&, const listener_settings&) = default;
};

// The table of one record. `who_comes` completes "Whoever may open it may ...".
[[nodiscard]] config::table<listener_settings> listener_table(const std::string& example,
                                                              const std::string& who_comes);

[[nodiscard]] mode_t parse_mode(const std::string& octal);

// For config::options::check: what is wrong with a value, or "".
[[nodiscard]] std::string check_endpoint(const std::string& address);
[[nodiscard]] std::string check_mode(const std::string& octal);
[[nodiscard]] std::string check_absolute_path(const std::string& path);

} // namespace homeward::net
