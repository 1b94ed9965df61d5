#pragma once
// The octets of one message between the socket and the disk: in memory as long as they are few,
// beyond a limit in a file without a name (nothing is left behind when the process dies). The
// bridge and stored receive into it; lib/maildir and the storage client read from it. The octets
// are kept exactly as they came.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "lib/base/byte_count.hpp"
#include "lib/base/failure.hpp"
#include "lib/fs/file_system.hpp"

namespace homeward::fs {

// Where spools put what does not fit in memory. Shared by all messages of a daemon; must
// outlive them.
struct spool_place {
  file_system* files = nullptr;
  handle directory; // of the spool directory, open for the daemon's life
  byte_count memory_limit = byte_count{256 << 10}; // per message; a longer one goes to a file whole
};

// Opens (never makes) the spool directory. The failure names the path and what to do.
[[nodiscard]] result<spool_place> open_spool_place(file_system& files, std::string_view directory,
                                                   byte_count memory_limit);

// Threads: one thread appends; when it is done, any number may read at the same time. Move-only.
class message_spool {
 public:
  // A message that always stays in memory (tests, small services).
  explicit message_spool(std::string octets = {}) : memory_(std::move(octets)) {}
  // `place` must outlive the spool.
  explicit message_spool(const spool_place& place) : place_(&place) {}
  message_spool(message_spool&& other) noexcept;
  message_spool& operator=(message_spool&& other) noexcept;
  message_spool(const message_spool&) = delete;
  message_spool& operator=(const message_spool&) = delete;
  ~message_spool() = default;

  // Makes room for a size announced by the sender (up to the memory limit): spares copies,
  // changes nothing.
  void reserve(std::uint64_t octets);

  // Adds octets at the end. Fails as the disk fails (full, temp); the spool then keeps failing and
  // is only good for being thrown away. May block on the disk for a long message.
  [[nodiscard]] result<void> append(std::string_view octets);

  [[nodiscard]] std::uint64_t size() const { return in_file_ + memory_.size(); }

  // The whole message in one piece, if it is in memory. Valid until the next append or the end
  // of the spool.
  [[nodiscard]] std::optional<std::string_view> memory() const;

  // Fills `into` from `offset` on; less only at the end of the message (0: nothing
  // there). May block.
  [[nodiscard]] result<std::size_t> read(std::uint64_t offset, std::span<char> into) const;

 private:
  [[nodiscard]] result<void> write_with_memory(std::string_view octets);

  const spool_place* place_ = nullptr;
  handle file_;               // open once the message outgrew the memory
  std::uint64_t in_file_ = 0; // octets [0, in_file_) are in the file, the rest in memory_
  std::string memory_;
  bool failed_ = false;
};

} // namespace homeward::fs
