#pragma once
// An open file or directory of some file_system. Move-only; closes itself. The number inside
// means something only to the file system that gave it out, so that an implementation in memory
// needs no kernel.

#include <utility>

namespace homeward::fs {

class file_system;

// Ownership: the holder's. The file system must outlive its handles. Any thread may use a handle,
// also several at once; moving and destroying it is for one thread only.
class handle {
 public:
  handle() = default;
  handle(file_system& owner, int number) : owner_(&owner), number_(number) {}
  handle(handle&& other) noexcept
      : owner_(std::exchange(other.owner_, nullptr)), number_(std::exchange(other.number_, -1)) {}
  handle& operator=(handle&& other) noexcept;
  handle(const handle&) = delete;
  handle& operator=(const handle&) = delete;
  ~handle() { close(); }

  [[nodiscard]] bool is_open() const { return owner_ != nullptr; }
  [[nodiscard]] int number() const { return number_; }
  // Gives the file back now. An error of the close is not reported: whoever must know whether the
  // octets are safe has called sync before.
  void close() noexcept;

 private:
  file_system* owner_ = nullptr;
  int number_ = -1;
};

} // namespace homeward::fs
