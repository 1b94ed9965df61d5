#include <gtest/gtest.h>

#include "lib/net/address_list.hpp"
#include "lib/net/endpoint.hpp"

using namespace homeward;
using namespace homeward::net;

TEST(endpoint, reads_the_three_forms) {
  EXPECT_EQ(*parse_endpoint("127.0.0.1:2424"), (endpoint{.host = "127.0.0.1", .port = 2424}));
  EXPECT_EQ(*parse_endpoint("[::1]:24"), (endpoint{.host = "::1", .port = 24}));
  EXPECT_EQ(*parse_endpoint("unix:/run/x.sock"), (endpoint{.path = "/run/x.sock"}));
}

TEST(endpoint, is_written_as_it_is_read) {
  for (const char* text :
       {"127.0.0.1:2424", "[2001:db8::1]:24", "unix:/run/x.sock", "store1:2400"}) {
    EXPECT_EQ(to_string(*parse_endpoint(text)), text);
  }
}

TEST(endpoint, says_what_is_wrong) {
  const auto why = [](std::string_view text) { return parse_endpoint(text).error().what; };
  EXPECT_NE(why("store1").find("port is missing"), std::string::npos);
  EXPECT_NE(why("store1:0").find("1 to 65535"), std::string::npos);
  EXPECT_NE(why("store1:65536").find("1 to 65535"), std::string::npos);
  EXPECT_NE(why("store1:24x").find("1 to 65535"), std::string::npos);
  EXPECT_NE(why("::1:24").find("brackets"), std::string::npos);
  EXPECT_NE(why(":24").find("host is missing"), std::string::npos);
  EXPECT_NE(why("a b:24").find("malformed"), std::string::npos);
  EXPECT_NE(why("unix:relative").find("absolute"), std::string::npos);
  EXPECT_NE(why("unix:/" + std::string(120, 'x')).find("107"), std::string::npos);
}

TEST(endpoint, knows_what_only_this_host_can_reach) {
  EXPECT_TRUE(parse_endpoint("127.0.0.9:1")->is_local());
  EXPECT_TRUE(parse_endpoint("[::1]:1")->is_local());
  EXPECT_TRUE(parse_endpoint("localhost:1")->is_local());
  EXPECT_TRUE(parse_endpoint("unix:/x")->is_local());
  EXPECT_FALSE(parse_endpoint("0.0.0.0:1")->is_local());
  EXPECT_FALSE(parse_endpoint("192.0.2.1:1")->is_local());
  EXPECT_FALSE(parse_endpoint("store1:1")->is_local());
}

TEST(address_list, matches_networks_and_single_addresses) {
  const auto list = address_list::parse({"192.0.2.0/24", "198.51.100.7", "2001:db8::/32"});
  ASSERT_TRUE(list);
  const auto has = [&](const char* text) {
    return list->contains(boost::asio::ip::make_address(text));
  };
  EXPECT_TRUE(has("192.0.2.255"));
  EXPECT_FALSE(has("192.0.3.0"));
  EXPECT_TRUE(has("198.51.100.7"));
  EXPECT_FALSE(has("198.51.100.8"));
  EXPECT_TRUE(has("2001:db8:1::1"));
  EXPECT_FALSE(has("2001:db9::1"));
  EXPECT_TRUE(has("::ffff:192.0.2.1"));
}

TEST(address_list, refuses_what_is_no_network) {
  for (const char* entry : {"192.0.2.0/33", "store1", "2001:db8::/129", "192.0.2", ""}) {
    EXPECT_FALSE(address_list::parse({entry})) << entry;
  }
}
