#include "lib/config/report.hpp"

#include <utility>

namespace homeward::config {

report::report(collector& all, std::string prefix) : all_(&all), prefix_(std::move(prefix)) {}

report report::below(std::string_view name) const {
  return name.empty() ? *this : report(*all_, full(name));
}

std::string report::full(std::string_view key) const {
  if (prefix_.empty()) {
    return std::string(key);
  }
  return key.empty() ? prefix_ : prefix_ + '.' + std::string(key);
}

void report::add(std::string_view key, std::string what, std::string meant) const {
  std::string place = full(key);
  auto line = all_->lines.find(place);
  while (line == all_->lines.end() && !place.empty()) {
    const auto parent = place.find_last_of(".[");
    place.resize(parent == std::string::npos ? 0 : parent);
    line = all_->lines.find(place);
  }
  add_at(line == all_->lines.end() ? 0 : line->second, key, std::move(what), std::move(meant));
}

void report::add_at(std::size_t line, std::string_view key, std::string what,
                    std::string meant) const {
  all_->found.push_back({.file = all_->file,
                         .line = line,
                         .key = full(key),
                         .what = std::move(what),
                         .meant = std::move(meant)});
}

std::size_t report::line_of(std::string_view key) const {
  const auto found = all_->lines.find(full(key));
  return found == all_->lines.end() ? 0 : found->second;
}

void report::note_line(std::string_view key, std::size_t line) const {
  all_->lines.insert_or_assign(full(key), line);
}

} // namespace homeward::config
