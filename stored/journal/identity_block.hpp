#pragma once
// The octets of the identity log: blocks of identities, one behind the other in a file.
// docs/format/journal.md, "Files beside the segments".

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace homeward::journal {

inline constexpr std::size_t most_in_a_block = 4096;

// One delivery to one mailbox, as docs/protocol/storage-protocol.md, "Identity" defines it: a
// digest of key and mailbox, and of its NAME what is not in the key.
struct logged_identity {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::uint64_t seconds = 0;
  std::string origin;

  friend bool operator==(const logged_identity&, const logged_identity&) = default;
};

// Called for each identity, oldest first, with the time (Unix seconds) at which it was logged.
using identity_visitor = std::function<void(const logged_identity&, std::uint64_t logged_at)>;

// At most most_in_a_block of them. What is too long in an origin is left out.
[[nodiscard]] std::string encode_block(std::span<const logged_identity> identities,
                                       std::uint64_t logged_at);
// The whole block at the start of `octets`, checked; nothing when there is none. A view of them.
[[nodiscard]] std::optional<std::string_view> whole_block(std::string_view octets);
// Of a whole block.
[[nodiscard]] std::uint64_t time_of_block(std::string_view block);
void visit_block(std::string_view block, const identity_visitor& visit);

} // namespace homeward::journal
