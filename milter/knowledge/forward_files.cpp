#include "milter/knowledge/forward_files.hpp"

#include <filesystem>
#include <system_error>

#include <fmt/format.h>

namespace homeward::milter {

namespace {

constexpr std::string_view placeholder = "{local}";

// "/var/f/x-{local}.y/z" is folder "/var/f", before "x-", after ".y", below "/z".
struct pattern_parts {
  std::string folder;
  std::string before;
  std::string after;
  std::string below;
};

pattern_parts split(std::string_view pattern) {
  const std::size_t at = pattern.find(placeholder);
  const std::string_view front = pattern.substr(0, at);
  const std::string_view back = pattern.substr(at + placeholder.size());
  const std::size_t slash = front.rfind('/');
  const std::size_t next = back.find('/');
  return {.folder = std::string(front.substr(0, slash)),
          .before = std::string(front.substr(slash + 1)),
          .after = std::string(back.substr(0, next)),
          .below = next == std::string_view::npos ? "" : std::string(back.substr(next))};
}

// The local part that makes the pattern's component `name`, or "".
std::string_view local_in(std::string_view name, const pattern_parts& p) {
  if (name.size() <= p.before.size() + p.after.size() || !name.starts_with(p.before) ||
      !name.ends_with(p.after)) {
    return {};
  }
  name.remove_prefix(p.before.size());
  name.remove_suffix(p.after.size());
  return name;
}

bool is_there(const std::filesystem::path& file) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(file, error);
  return status.type() != std::filesystem::file_type::not_found;
}

} // namespace

std::string check_forward_pattern(const std::string& text) {
  const std::size_t at = text.find(placeholder);
  if (!text.starts_with('/') || at == std::string::npos ||
      text.find(placeholder, at + 1) != std::string::npos) {
    return "is no pattern; write an absolute path with {local} once, as /home/{local}/.forward";
  }
  if (text.rfind('/', at) == 0) {
    return "would list the root directory; put the files into a folder of their own";
  }
  return "";
}

result<name_set> find_forward_files(std::string_view pattern) {
  const pattern_parts p = split(pattern);
  name_set found;
  std::error_code error;
  std::filesystem::directory_iterator entry(p.folder, error);
  const std::filesystem::directory_iterator end;
  while (!error && entry != end) {
    const std::string name = entry->path().filename().string();
    const std::string_view local = local_in(name, p);
    if (!local.empty() && is_there(p.folder + '/' + name + p.below)) {
      found.insert(lower_case(local));
    }
    entry.increment(error);
  }
  if (error) {
    return transient_failure(fmt::format("cannot list {}", p.folder), error.message(),
                             "Let the user of homeward-milter read and enter that folder.");
  }
  return found;
}

} // namespace homeward::milter
