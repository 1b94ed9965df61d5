#include "lib/mta_queue/sendmail_settings.hpp"

#include <algorithm>
#include <cctype>

namespace homeward::mta_queue {

namespace {

constexpr std::string_view blanks = " \t\r";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(blanks);
  const auto last = text.find_last_not_of(blanks);
  return first == std::string_view::npos ? std::string_view{}
                                         : text.substr(first, last - first + 1);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

// "O QueueDirectory=/var/spool/mqueue", also in its old form "OQ/var/spool/mqueue".
std::string_view queue_directory_of(std::string_view line) {
  if (line.starts_with("OQ")) {
    return trimmed(line.substr(2));
  }
  const std::size_t equals = line.find('=');
  if (!line.starts_with("O ") || equals == std::string_view::npos ||
      !equal_ignoring_case(trimmed(line.substr(2, equals - 2)), "QueueDirectory")) {
    return {};
  }
  return trimmed(line.substr(equals + 1));
}

// "Qstore, Path=/var/spool/mqueue/store/q*, Flags=f": only the first letter of a key counts.
queue_group group_of(std::string_view line) {
  queue_group group;
  line.remove_prefix(1);
  const std::size_t end = std::min(line.find(','), line.size());
  group.name = trimmed(line.substr(0, end));
  line.remove_prefix(std::min(end + 1, line.size()));
  while (!line.empty()) {
    const std::size_t comma = std::min(line.find(','), line.size());
    const std::string_view field = trimmed(line.substr(0, comma));
    line.remove_prefix(std::min(comma + 1, line.size()));
    const std::size_t equals = field.find('=');
    if (equals != std::string_view::npos && !field.empty() && field.front() == 'P') {
      group.pattern = trimmed(field.substr(equals + 1));
    }
  }
  return group;
}

// The directory that relative paths are below: what stands before the wildcard.
std::string base_of(const std::string& pattern) {
  return pattern.ends_with('*') ? pattern.substr(0, pattern.rfind('/')) : pattern;
}

// Calls `each` for every line, without its end.
template <class Each>
void for_each_line(std::string_view text, Each each) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    each(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

} // namespace

bool has_fixed_queue_paths(std::string_view sendmail_cf) {
  bool found = false;
  for_each_line(sendmail_cf, [&](std::string_view line) {
    found = found || (line.starts_with('Q') && !group_of(line).pattern.empty());
  });
  return found;
}

std::vector<queue_group> queue_groups_of(std::string_view sendmail_cf) {
  std::string directory;
  std::vector<queue_group> groups;
  for_each_line(sendmail_cf, [&](std::string_view line) {
    if (const auto named = queue_directory_of(line); !named.empty()) {
      directory = named;
    } else if (line.starts_with('Q')) {
      groups.push_back(group_of(line));
    }
  });
  const bool has_own = std::any_of(groups.begin(), groups.end(),
                                   [](const queue_group& g) { return g.name == "mqueue"; });
  if (!has_own && !directory.empty()) {
    groups.insert(groups.begin(), queue_group{.name = "mqueue", .pattern = directory});
  }
  for (queue_group& g : groups) {
    if (g.pattern.empty()) {
      g.pattern = directory;
    } else if (g.pattern.front() != '/') {
      g.pattern = base_of(directory) + '/' + g.pattern;
    }
  }
  std::erase_if(groups, [](const queue_group& g) { return g.pattern.empty(); });
  return groups;
}

} // namespace homeward::mta_queue
