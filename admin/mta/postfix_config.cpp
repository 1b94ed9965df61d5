#include "admin/mta/postfix_config.hpp"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>

#include "admin/mta/marked_block.hpp"
#include "admin/mta/value_list.hpp"

namespace homeward::admin::mta {

namespace {

std::string trimmed(std::string text) {
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  text.erase(0, std::min(text.find_first_not_of(" \t"), text.size()));
  return text;
}

std::vector<std::string> fields_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> fields;
  for (std::string field; in >> field;) {
    fields.push_back(field);
  }
  return fields;
}

// master.cf without comments, each service on one line.
std::vector<std::string> joined_services(std::string_view text) {
  std::vector<std::string> joined;
  for (const auto& line : split_lines(text)) {
    const auto first = line.find_first_not_of(" \t");
    if (first == std::string::npos || line[first] == '#') {
      continue;
    }
    if (first > 0 && !joined.empty()) {
      joined.back() += ' ' + line.substr(first);
    } else {
      joined.push_back(line);
    }
  }
  return joined;
}

} // namespace

std::vector<master_service> parse_master_cf(std::string_view text) {
  std::vector<master_service> found;
  for (const auto& line : joined_services(text)) {
    const auto words = list_words(line);
    if (words.size() < 8) {
      continue;
    }
    master_service service{.name = words[0] + '/' + words[1], .line = {}, .options = {}};
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (words[i] == "-o" && i + 1 < words.size()) {
        const auto& option = words[++i];
        const auto equals = option.find('=');
        service.options.emplace_back(option.substr(0, equals),
                                     equals == std::string::npos ? "" : option.substr(equals + 1));
      } else {
        service.line += (service.line.empty() ? "" : " ") + words[i];
      }
    }
    found.push_back(std::move(service));
  }
  return found;
}

result<std::string> postfix_config::ask(arguments more) const {
  arguments argv = {settings_->programs.postconf, "-c", directory_};
  argv.insert(argv.end(), more.begin(), more.end());
  auto said = run_checked(argv);
  if (!said) {
    return said.error();
  }
  return trimmed(said->output);
}

result<std::string> postfix_config::value(const std::string& name, bool expanded) const {
  return ask({expanded ? "-xh" : "-h", name});
}

result<std::vector<std::string>> postfix_config::names_set() const {
  const auto set = ask({"-n", "-H"});
  if (!set) {
    return set.error();
  }
  return split_lines(*set);
}

result<std::string> postfix_config::service_value(const std::string& service,
                                                  const std::string& name) const {
  const auto own = ask({"-P", fmt::format("{}/{}", service, name)});
  if (own && own->find('=') != std::string::npos) {
    return trimmed(own->substr(own->find('=') + 1));
  }
  return value(name);
}

result<void> postfix_config::set(const std::vector<parameter>& values) const {
  arguments words = {"-e"};
  for (const auto& [name, value] : values) {
    words.push_back(fmt::format("{}={}", name, value));
  }
  const auto done = values.empty() ? result<std::string>("") : ask(words);
  return done ? result<void>{} : done.error();
}

result<void> postfix_config::remove(const std::string& name) const {
  const auto done = ask({"-X", name});
  return done ? result<void>{} : done.error();
}

result<void> postfix_config::set_service(const master_service& service) const {
  if (const auto done = ask({"-M", "-e", fmt::format("{}={}", service.name, service.line)});
      !done) {
    return done.error();
  }
  arguments words = {"-P", "-e"};
  for (const auto& [name, value] : service.options) {
    words.push_back(fmt::format("{}/{}={}", service.name, name, value));
  }
  const auto done = service.options.empty() ? result<std::string>("") : ask(words);
  return done ? result<void>{} : done.error();
}

result<std::vector<running_service>> postfix_config::services() const {
  const auto listed = ask({"-M"});
  if (!listed) {
    return listed.error();
  }
  std::vector<running_service> found;
  for (const auto& line : joined_services(*listed)) {
    const auto fields = fields_of(line);
    if (fields.size() >= 8) {
      // Since compatibility level 1 the default, `-`, is no.
      found.push_back({fields[0] + '/' + fields[1], fields[4] == "y", fields[7]});
    }
  }
  return found;
}

result<std::vector<std::string>> postfix_config::warnings() const {
  std::vector<std::string> found;
  for (const char* option : {"-n", "-Mf"}) {
    const auto said = run_checked({settings_->programs.postconf, "-c", directory_, option});
    if (!said) {
      return said.error();
    }
    for (auto line : split_lines(said->errors)) {
      // The directory differs between the staged and the running configuration.
      if (const auto at = line.find(directory_); at != std::string::npos) {
        line.replace(at, directory_.size(), "");
      }
      found.push_back(line);
    }
  }
  return found;
}

result<void> postfix_config::check() const {
  const auto said = run_program({settings_->programs.postfix, "-c", directory_, "check"});
  if (!said) {
    return said.error();
  }
  if (said->status != 0 || said->errors.find("fatal:") != std::string::npos) {
    return permanent_failure(failure_reason::perm,
                             fmt::format("`postfix -c {} check` does not like it", directory_),
                             words_of(*said));
  }
  return {};
}

result<std::string> postfix_config::look_up(const std::string& key, const std::string& map) const {
  const auto queue = value("queue_directory");
  if (!queue) {
    return queue.error();
  }
  // Sockets in maps are named relative to the queue directory.
  const auto said = run_program({settings_->programs.postmap, "-c", directory_, "-q", key, map},
                                {.directory = *queue});
  if (!said) {
    return said.error();
  }
  if (said->status != 0 && !said->errors.empty()) {
    return transient_failure(fmt::format("{} cannot be asked about {}", map, key), words_of(*said));
  }
  return trimmed(said->output);
}

} // namespace homeward::admin::mta
