#pragma once
// A settings table with every kind of setting, for the tests of lib/config.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/byte_count.hpp"
#include "lib/config/table.hpp"

namespace homeward::config::testing {

enum class recipe { late, strict };

struct shelf {
  std::string name;
  std::string path;
  std::uint32_t weight = 1;
  std::vector<std::string> owners = {};
};

struct listing {
  std::string engine = "sqlite";
  std::chrono::seconds refresh{5};
};

struct settings {
  std::string listen = "unix:/run/homeward/lmtp";
  std::chrono::seconds idle_timeout{300};
  std::chrono::milliseconds poll{250};
  byte_count memory_limit{1U << 20U};
  recipe filing = recipe::late;
  bool verbose = false;
  int offset = -3;
  std::uint16_t port = 24;
  std::vector<std::string> peers = {"127.0.0.1"};
  std::vector<shelf> shelves = {};
  listing directory = {};
};

table<listing> listing_table();
table<settings> make_table();

} // namespace homeward::config::testing
