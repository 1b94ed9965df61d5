#include "lib/store_protocol/transaction.hpp"

#include <fmt/format.h>

#include "lib/store_protocol/characters.hpp"
#include "lib/store_protocol/command.hpp"

namespace homeward::store_protocol {

std::string to_string(const message_name& name) {
  return name.origin.empty() ? name.key
                             : fmt::format("{}.{}.{}", name.seconds, name.key, name.origin);
}

result<message_name> parse_message_name(std::string_view text, const limits& l) {
  if (!is_name(text) || text.size() > l.name) {
    return syntax_failure(
        fmt::format("a name is 1 to {} of A-Z a-z 0-9 . _ - without a leading dot", l.name));
  }
  const std::size_t first = text.find('.');
  const std::size_t second = first == std::string_view::npos ? first : text.find('.', first + 1);
  const bool three_parts =
      second != std::string_view::npos && second > first + 1 && second + 1 < text.size();
  if (three_parts) {
    const auto seconds = parse_number(text.substr(0, first));
    // One spelling only, so that the text of a name is equal to the name it was parsed from.
    if (seconds && fmt::to_string(*seconds).size() == first) {
      return message_name{.seconds = *seconds,
                          .key = std::string(text.substr(first + 1, second - first - 1)),
                          .origin = std::string(text.substr(second + 1))};
    }
  }
  return message_name{.seconds = 0, .key = std::string(text), .origin = {}};
}

} // namespace homeward::store_protocol
