#pragma once
// What one mailbox holds, as its store tells it in answer to FULL, and the reply lines it is told
// with. docs/protocol/storage-protocol.md, "FULL".

#include <chrono>
#include <string>

#include "lib/base/byte_count.hpp"

namespace homeward::store_protocol {

// A hint: the store knew it `age` ago, and readers delete without telling anybody.
struct mailbox_usage {
  std::string partition;
  std::string mailbox; // canonical, without angle brackets
  byte_count used{};   // of its messages' files, over all its folders
  byte_count limit{};  // the QUOTA last seen for it; never 0
  std::chrono::seconds age{0};

  friend bool operator==(const mailbox_usage&, const mailbox_usage&) = default;
};

} // namespace homeward::store_protocol
