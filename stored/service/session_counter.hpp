#pragma once
// How many connections there are, in all and from each address.

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "lib/base/failure.hpp"

#include "stored/service/settings.hpp"

namespace homeward::stored {

// Safe from any thread. Must outlive the places it gave out.
class session_counter {
 public:
  // A place, given back when the pointer lets go. `address` is empty for unix sockets. Fails (temp)
  // when a limit is reached.
  [[nodiscard]] result<std::shared_ptr<void>> enter(const std::string& address,
                                                    const session_limits& limits);
  [[nodiscard]] std::size_t size() const;

 private:
  void leave(const std::string& address);

  mutable std::mutex mutex_; // guards the two below
  std::size_t total_ = 0;
  std::map<std::string, std::size_t> by_address_;
};

} // namespace homeward::stored
