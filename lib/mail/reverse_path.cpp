#include "lib/mail/reverse_path.hpp"

namespace homeward::mail {

std::string reverse_path::text() const {
  return sender_ ? "<" + to_string(*sender_) + ">" : std::string("<>");
}

address_result<reverse_path> parse_reverse_path(std::string_view text, charset allowed) {
  if (text.empty() || text == "<>") {
    return reverse_path{};
  }
  auto parsed = parse_path(text, allowed);
  if (!parsed) {
    return parsed.error();
  }
  return reverse_path{std::move(*parsed)};
}

} // namespace homeward::mail
