#include "milter/filter/message_route.hpp"

#include <fmt/format.h>

namespace homeward::milter {

namespace {

std::string counted(std::size_t n) {
  return fmt::format("({} recipient{})", n, n == 1 ? "" : "s");
}

} // namespace

std::string message_route::text(std::string_view host) const {
  std::string text = fmt::format("{};", host);
  std::size_t named = 0;
  std::size_t unnamed = 0;
  for (const auto& [home, count] : recipients_) {
    if (named == named_partitions) {
      unnamed += count;
      continue;
    }
    text += fmt::format("{}{} {}", named == 0 ? " " : ",\n\t", home, counted(count));
    ++named;
  }
  if (unnamed != 0) {
    text += fmt::format(",\n\tand {} more {}", recipients_.size() - named, counted(unnamed));
  }
  return text;
}

} // namespace homeward::milter
