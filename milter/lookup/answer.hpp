#pragma once
// What a map says about a key, and how that is written. Plain values.

#include <string>
#include <string_view>
#include <variant>

namespace homeward::milter::lookup {

struct found {
  std::string value; // one printable line
  friend bool operator==(const found&, const found&) = default;
};
// Certain: the directory is known and complete, and does not have it.
struct not_found {
  friend bool operator==(const not_found&, const not_found&) = default;
};
// It cannot be told now; the client tries again.
struct later {
  std::string why; // for the client's log
  friend bool operator==(const later&, const later&) = default;
};

using answer = std::variant<found, not_found, later>;

// "OK value", "NOTFOUND " or "TEMP why". There is a space after the word in any case, because
// Postfix wants one. Octets outside printable ASCII and UTF-8 are escaped, the text is cut to 1,000
// octets. The word PERM is never written: sendmail takes it for "not found" and bounces.
[[nodiscard]] std::string to_text(const answer& a);

} // namespace homeward::milter::lookup
