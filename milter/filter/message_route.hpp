#pragma once
// Where a message goes, for the trace header that the milter adds: how many recipients it had for
// which partition. No addresses, so that no recipient learns of another.

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace homeward::milter {

inline constexpr std::string_view route_header = "X-Homeward-Route";
// More partitions than this are counted, not named, so that the header stays short.
inline constexpr std::size_t named_partitions = 30;

class message_route {
 public:
  // One recipient that lives on "store1/mail1".
  void add(const std::string& home) { ++recipients_[home]; }
  [[nodiscard]] bool empty() const { return recipients_.empty(); }

  // The header's value: "mx1.example.org; store1/mail1 (2 recipients), store2/mail1 (1 recipient)",
  // in the order of the names, folded before every partition behind the first with "\n\t" (the MTA
  // makes CRLF of it).
  [[nodiscard]] std::string text(std::string_view host) const;

 private:
  std::map<std::string, std::size_t> recipients_; // by home
};

} // namespace homeward::milter
