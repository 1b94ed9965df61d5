#pragma once
// Remembers which recipients of which messages were already counted against the rate of their
// sender. Postfix asks about a recipient once for every restriction list that names the policy
// server, and again at the end of the message, but it sends it once.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string_view>
#include <unordered_set>

namespace homeward::milter::delegation {

// Any thread: one short lock, nothing else. Memory is bounded; the oldest are forgotten first.
class counted_messages {
 public:
  // About 50 octets for each remembered recipient.
  explicit counted_messages(std::size_t longest = 100'000) : longest_(longest) {}

  // `instance` is Postfix's name of the message; an empty one says nothing and is never known.
  void add(std::string_view instance, std::string_view recipient);
  [[nodiscard]] bool has(std::string_view instance, std::string_view recipient) const;
  // Whether any recipient of the message was counted.
  [[nodiscard]] bool has_any(std::string_view instance) const;

  [[nodiscard]] std::size_t size() const;

 private:
  void remember(std::uint64_t key);
  [[nodiscard]] bool knows(std::uint64_t key) const;

  const std::size_t longest_;
  mutable std::mutex mutex_; // guards the two below
  std::unordered_set<std::uint64_t> keys_;
  std::deque<std::uint64_t> oldest_first_;
};

} // namespace homeward::milter::delegation
