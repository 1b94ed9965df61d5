#pragma once
// Which peers may connect: a list of networks such as "192.0.2.0/24", "2001:db8::/32" or single
// addresses.

#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include "lib/base/failure.hpp"

namespace homeward::net {

// Immutable after parsing; safe to read from any thread.
class address_list {
 public:
  // The failure names the entry that is no network.
  [[nodiscard]] static result<address_list> parse(const std::vector<std::string>& entries);

  // IPv4-mapped IPv6 addresses are compared as IPv4.
  [[nodiscard]] bool contains(const boost::asio::ip::address& peer) const;
  [[nodiscard]] bool empty() const { return v4_.empty() && v6_.empty(); }

 private:
  std::vector<boost::asio::ip::network_v4> v4_;
  std::vector<boost::asio::ip::network_v6> v6_;
};

} // namespace homeward::net
