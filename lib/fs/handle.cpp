#include "lib/fs/handle.hpp"

#include "lib/fs/file_system.hpp"

namespace homeward::fs {

handle& handle::operator=(handle&& other) noexcept {
  if (this != &other) {
    close();
    owner_ = std::exchange(other.owner_, nullptr);
    number_ = std::exchange(other.number_, -1);
  }
  return *this;
}

void handle::close() noexcept {
  if (owner_ != nullptr) {
    std::exchange(owner_, nullptr)->close(std::exchange(number_, -1));
  }
}

} // namespace homeward::fs
