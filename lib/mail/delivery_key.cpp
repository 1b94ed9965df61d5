#include "lib/mail/delivery_key.hpp"

#include <fmt/format.h>

#include "lib/base/random.hpp"

namespace homeward::mail {

delivery_key::delivery_key(const reverse_path& sender, std::string_view ident)
    : has_ident_(!ident.empty()) {
  // Lengths in front, so that no two (sender, ident, message) run into the same octets.
  const std::string from = sender.text();
  digest_.update(fmt::format("homeward 1 {} {}\n", from.size(), ident.size()));
  digest_.update(from);
  digest_.update(ident);
}

void delivery_key::update(std::string_view piece) {
  digest_.update(piece);
  if (!received_.done()) {
    received_.feed(piece);
  }
}

std::string delivery_key::finish() {
  if (!is_stable()) {
    return random_hex(length / 2);
  }
  return to_hex(digest_.finish(), length / 2);
}

} // namespace homeward::mail
