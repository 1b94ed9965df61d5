#pragma once
// Where a daemon listens or whom it calls: a TCP host and port, or a unix socket path.

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/failure.hpp"

namespace homeward::net {

// Value type. Either `path` is set (unix socket) or `host` and `port` are.
struct endpoint {
  std::string host;       // numeric address or name, without brackets
  std::uint16_t port = 0; // 1..65535 for TCP
  std::string path;       // absolute path of a unix socket; at most 107 octets (sun_path)

  [[nodiscard]] bool is_unix() const { return !path.empty(); }
  // True when only this host can reach it: a unix socket, or a loopback address.
  [[nodiscard]] bool is_local() const;

  friend bool operator==(const endpoint&, const endpoint&) = default;
};

// "unix:/run/homeward/lmtp.sock", "127.0.0.1:2424", "[::1]:2424", "store1.example:2400".
// The failure's `what` says what is wrong with the text and what was expected.
[[nodiscard]] result<endpoint> parse_endpoint(std::string_view text);
[[nodiscard]] std::string to_string(const endpoint& e);

} // namespace homeward::net
