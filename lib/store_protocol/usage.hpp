#pragma once
// What one mailbox holds, as its store tells it in answer to FULL, and the reply lines it is told
// with. docs/protocol/storage-protocol.md, "FULL".

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "lib/base/byte_count.hpp"
#include "lib/base/failure.hpp"
#include "lib/store_protocol/limits.hpp"
#include "lib/store_protocol/reply.hpp"

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

// Whether `a` is nearer to its limit, or further over it: the order of FULL.
[[nodiscard]] bool is_fuller(const mailbox_usage& a, const mailbox_usage& b);

// The first line of the answer and back. Empty: not that line, or more than limits.usages.
[[nodiscard]] reply usage_head(std::size_t count);
[[nodiscard]] std::optional<std::size_t> count_from(const reply& r, const limits& l);

// One of the lines that follow and back. usage_from() refuses (syntax) what is no such line: every
// number must be there, the limit not 0, partition and mailbox as PRTN and RCPT would take them.
[[nodiscard]] reply usage_reply(const mailbox_usage& u);
[[nodiscard]] result<mailbox_usage> usage_from(const reply& r, const limits& l);

} // namespace homeward::store_protocol
