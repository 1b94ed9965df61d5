#pragma once
// SHA-256 over pieces, for identities that a sender must not be able to make collide.

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace homeward {

// Feed it pieces, ask once. Not copyable; one thread at a time.
class sha256 {
 public:
  using value = std::array<std::uint8_t, 32>;

  sha256();
  ~sha256();
  sha256(sha256&&) noexcept;
  sha256& operator=(sha256&&) noexcept;
  sha256(const sha256&) = delete;
  sha256& operator=(const sha256&) = delete;

  void update(std::string_view piece);
  // Ends the calculation; the object must not be used afterwards.
  [[nodiscard]] value finish();

 private:
  struct context_deleter {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, context_deleter> context_;
};

// Lower-case hexadecimal of the first `octets` of `digest` (at most 32).
[[nodiscard]] std::string to_hex(const sha256::value& digest, std::size_t octets = 32);

} // namespace homeward
