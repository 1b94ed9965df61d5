#pragma once
// The origins of remembered names, each kept once: a farm has a handful of front ends and millions
// of names.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace homeward::stored {

// Counted references: an origin is forgotten with the last name that has it. Not thread-safe; its
// owner guards it.
class origin_pool {
 public:
  using number = std::uint32_t;

  [[nodiscard]] number take(std::string_view origin);
  void release(number n);
  [[nodiscard]] const std::string& text(number n) const { return origins_[n].text; }
  // Memory of the texts held now.
  [[nodiscard]] std::size_t octets() const { return octets_; }

 private:
  struct origin {
    std::string text;
    std::uint64_t users = 0;
  };
  // What one origin costs besides its text, which is held twice.
  static constexpr std::size_t overhead = 128;

  std::vector<origin> origins_;
  std::vector<number> unused_;
  std::unordered_map<std::string, number> numbers_;
  std::size_t octets_ = 0;
};

} // namespace homeward::stored
