#pragma once
// The identity of a delivery: (key, mailbox). The key comes from the message's NAME, so a repeat of
// the same delivery has the same identity whatever the rest of its name says.
// docs/protocol/storage-protocol.md, "Identity".

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace homeward::stored {

// A digest of both, 128 bits, so that remembering one costs the same for every length of mailbox
// and no sender can make two collide. Value type.
struct identity {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  friend bool operator==(const identity&, const identity&) = default;
};

// `key` as in store_protocol::message_name, `mailbox` canonical.
[[nodiscard]] identity identity_of(std::string_view key, std::string_view mailbox);

// The digest is uniform: any part of it is a good hash.
struct identity_hash {
  std::size_t operator()(const identity& i) const noexcept {
    return static_cast<std::size_t>(i.low);
  }
};

} // namespace homeward::stored
