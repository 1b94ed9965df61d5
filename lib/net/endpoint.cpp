#include "lib/net/endpoint.hpp"

#include <charconv>

#include <boost/asio/ip/address.hpp>

namespace homeward::net {
namespace {

constexpr std::string_view unix_prefix = "unix:";
constexpr std::size_t longest_unix_path = 107;

failure bad(std::string why) {
  return permanent_failure(failure_reason::syntax,
                           std::move(why) + "; write HOST:PORT, [IPv6]:PORT or unix:/PATH");
}

result<endpoint> parse_unix(std::string_view path) {
  if (path.empty() || path.front() != '/') {
    return bad("the path of a unix socket must be absolute");
  }
  if (path.size() > longest_unix_path) {
    return bad("the path of a unix socket may have at most 107 octets");
  }
  return endpoint{.path = std::string(path)};
}

} // namespace

bool endpoint::is_local() const {
  if (is_unix() || host == "localhost") {
    return true;
  }
  boost::system::error_code ignored;
  const auto address = boost::asio::ip::make_address(host, ignored);
  return !ignored && address.is_loopback();
}

result<endpoint> parse_endpoint(std::string_view text) {
  if (text.starts_with(unix_prefix)) {
    return parse_unix(text.substr(unix_prefix.size()));
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return bad("the port is missing");
  }
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] =
      std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (error != std::errc{} || end != port_text.data() + port_text.size() || port == 0) {
    return bad("the port must be a number from 1 to 65535");
  }
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return bad("an IPv6 address needs brackets");
  }
  if (host.empty() || host.find_first_of(" \t/") != std::string_view::npos) {
    return bad("the host is missing or malformed");
  }
  return endpoint{.host = std::string(host), .port = port};
}

std::string to_string(const endpoint& e) {
  if (e.is_unix()) {
    return std::string(unix_prefix) + e.path;
  }
  const bool ipv6 = e.host.find(':') != std::string::npos;
  return (ipv6 ? "[" + e.host + "]" : e.host) + ":" + std::to_string(e.port);
}

} // namespace homeward::net
