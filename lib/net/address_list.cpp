#include "lib/net/address_list.hpp"

#include <algorithm>

namespace homeward::net {
namespace {

namespace ip = boost::asio::ip;

bool is_in(const ip::network_v4& network, const ip::address_v4& address) {
  return ip::network_v4(address, network.prefix_length()).canonical() == network.canonical();
}

bool is_in(const ip::network_v6& network, const ip::address_v6& address) {
  return ip::network_v6(address, network.prefix_length()).canonical() == network.canonical();
}

} // namespace

result<address_list> address_list::parse(const std::vector<std::string>& entries) {
  address_list list;
  for (const std::string& entry : entries) {
    const bool v6 = entry.find(':') != std::string::npos;
    const bool single = entry.find('/') == std::string::npos;
    boost::system::error_code error;
    if (v6) {
      list.v6_.push_back(ip::make_network_v6(single ? entry + "/128" : entry, error));
    } else {
      list.v4_.push_back(ip::make_network_v4(single ? entry + "/32" : entry, error));
    }
    if (error) {
      return permanent_failure(failure_reason::syntax,
                               "\"" + entry + "\" is no address or network; write 192.0.2.7, " +
                                   "192.0.2.0/24 or 2001:db8::/32");
    }
  }
  return list;
}

bool address_list::contains(const ip::address& peer) const {
  const bool mapped = peer.is_v6() && peer.to_v6().is_v4_mapped();
  if (peer.is_v4() || mapped) {
    const ip::address_v4 address =
        mapped ? ip::make_address_v4(ip::v4_mapped, peer.to_v6()) : peer.to_v4();
    return std::any_of(v4_.begin(), v4_.end(), [&](const auto& n) { return is_in(n, address); });
  }
  return std::any_of(v6_.begin(), v6_.end(), [&](const auto& n) { return is_in(n, peer.to_v6()); });
}

} // namespace homeward::net
