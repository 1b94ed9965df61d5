#include "lib/maildir/identity.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <map>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "lib/base/escape.hpp"
#include "lib/base/random.hpp"

namespace homeward::maildir {

namespace {

constexpr std::string_view first_line = "homeward-partition 1";
constexpr std::size_t id_octets = 16;

bool is_id(std::string_view text) {
  return text.size() == 2 * id_octets &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

failure broken(std::string what) {
  return transient_failure(
      "the identity file of the partition is damaged", std::move(what),
      "Put it back from a backup; a new identity would cut the mail off from its journal.");
}

result<identity> identity_from(const std::map<std::string, std::string, std::less<>>& values) {
  for (const char* key : {"name", "id", "path", "created"}) {
    if (!values.contains(key)) {
      return broken(fmt::format("the line \"{}\" is missing", key));
    }
  }
  identity made{.name = values.at("name"), .id = values.at("id"), .created = values.at("created")};
  if (!is_partition_name(made.name)) {
    return broken("the name is not a partition name");
  }
  if (!is_id(made.id)) {
    return broken("the id is not 32 hexadecimal digits");
  }
  auto paths = path_template::parse(values.at("path"));
  if (!paths) {
    return paths.error();
  }
  made.paths = std::move(*paths);
  return made;
}

} // namespace

bool is_partition_name(std::string_view name) {
  return !name.empty() && name.size() <= max_partition_name && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
         });
}

result<identity> make_identity(std::string_view name, std::string_view path_template_text,
                               wall_time now) {
  if (!is_partition_name(name)) {
    return transient_failure("\"" + escape(name) + "\" is no partition name", "",
                             "Use up to 64 letters, digits, '.', '_' and '-', no dot first.");
  }
  auto paths = path_template::parse(path_template_text);
  if (!paths) {
    return paths.error();
  }
  const std::tm utc = fmt::gmtime(std::chrono::system_clock::to_time_t(now));
  return identity{.name = std::string(name),
                  .id = random_hex(id_octets),
                  .paths = std::move(*paths),
                  .created = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", utc)};
}

std::string format_identity(const identity& i) {
  return fmt::format("{}\nname {}\nid {}\npath {}\ncreated {}\n", first_line, i.name, i.id,
                     i.paths.text(), i.created);
}

result<identity> parse_identity(std::string_view text) {
  if (text.empty() || text.back() != '\n') {
    return broken("it is empty or its last line is cut off");
  }
  std::map<std::string, std::string, std::less<>> values;
  std::size_t start = 0;
  for (int number = 1; start < text.size(); ++number) {
    const std::size_t end = text.find('\n', start);
    const std::string_view line = text.substr(start, end - start);
    start = end + 1;
    if (number == 1) {
      if (line != first_line) {
        return broken(
            fmt::format("line 1 is not \"{}\": a newer format, or no identity at all", first_line));
      }
      continue;
    }
    const std::size_t space = line.find(' ');
    const std::string_view key = line.substr(0, space);
    const bool known = key == "name" || key == "id" || key == "path" || key == "created";
    if (!known || space == std::string_view::npos) {
      return broken(fmt::format("line {} is not understood: \"{}\"", number, escape(line)));
    }
    if (!values.emplace(key, line.substr(space + 1)).second) {
      return broken(fmt::format("line {} repeats \"{}\"", number, key));
    }
  }
  return identity_from(values);
}

} // namespace homeward::maildir
