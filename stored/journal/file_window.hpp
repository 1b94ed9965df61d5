#pragma once
// A file read from the front to the back through one buffer, so that whoever looks at every block
// of a segment makes few reads.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/fs/file_system.hpp"

namespace homeward::journal {

// `files` and `file` must outlive it. Not thread-safe.
class file_window {
 public:
  file_window(fs::file_system& files, const fs::handle& file, std::uint64_t size)
      : files_(files), file_(file), size_(size) {}

  // The octets from `offset` on, fewer only at the end of the file; valid until the next call.
  [[nodiscard]] fs::io_result<std::string_view> at(std::uint64_t offset, std::uint64_t octets) {
    octets = std::min(octets, size_ - std::min(offset, size_));
    if (offset < begin_ || offset + octets > begin_ + filled_) {
      const std::uint64_t wanted = std::min(std::max(octets, read_ahead), size_ - offset);
      buffer_.resize(std::max<std::size_t>(buffer_.size(), wanted));
      filled_ = 0;
      const auto read = files_.read(file_, offset, {buffer_.data(), wanted});
      if (!read) {
        return read.error();
      }
      begin_ = offset;
      filled_ = *read;
    }
    return std::string_view(buffer_.data(), filled_).substr(offset - begin_, octets);
  }

  // What was read is read again: the file may have changed.
  void forget() { filled_ = 0; }

 private:
  static constexpr std::uint64_t read_ahead = std::uint64_t{1} << 20U;

  fs::file_system& files_;
  const fs::handle& file_;
  std::uint64_t size_;
  std::string buffer_;
  std::uint64_t begin_ = 0;
  std::size_t filled_ = 0;
};

} // namespace homeward::journal
