#include "admin/mta/sendmail_config.hpp"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <memory>
#include <netdb.h>
#include <sstream>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <fmt/format.h>

#include "admin/mta/marked_block.hpp"
#include "admin/mta/program_run.hpp"

namespace homeward::admin::mta {

namespace {

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  return first == std::string_view::npos
             ? ""
             : std::string(text.substr(first, text.find_last_not_of(" \t\r") + 1 - first));
}

// Lines with their continuations, comments left out.
std::vector<std::string> logical_lines(std::string_view text) {
  std::vector<std::string> lines;
  for (const auto& line : split_lines(text)) {
    if (line.empty() || line.front() == '#') {
      continue;
    }
    if ((line.front() == ' ' || line.front() == '\t') && !lines.empty()) {
      lines.back() += ' ' + trimmed(line);
    } else {
      lines.push_back(line);
    }
  }
  return lines;
}

// Where the next ", X=" begins; commas within a value (A=) are not followed by a key.
std::size_t next_field(std::string_view text, std::size_t from) {
  for (auto at = text.find(',', from); at != std::string_view::npos; at = text.find(',', at + 1)) {
    auto key = text.substr(at + 1);
    key.remove_prefix(std::min(key.find_first_not_of(" \t"), key.size()));
    const auto equals = key.find('=');
    if (equals != std::string_view::npos && equals > 0 &&
        std::all_of(key.begin(), key.begin() + static_cast<std::ptrdiff_t>(equals),
                    [](unsigned char c) { return std::isalpha(c) != 0; })) {
      return at;
    }
  }
  return text.size();
}

cf_definition parse_definition(std::string_view line) {
  cf_definition d;
  d.name = trimmed(line.substr(1, line.find(',') - 1));
  for (auto at = next_field(line, 0); at < line.size();) {
    const auto end = next_field(line, at + 1);
    const auto field = line.substr(at + 1, end - at - 1);
    const auto equals = field.find('=');
    d.fields[trimmed(field.substr(0, equals))] = trimmed(field.substr(equals + 1));
    at = end;
  }
  return d;
}

cf_map parse_map(const std::string& line) {
  std::istringstream in(line.substr(1));
  cf_map m;
  in >> m.name >> m.type;
  std::getline(in, m.rest);
  m.rest = trimmed(m.rest);
  return m;
}

} // namespace

std::string cf_map::file() const {
  const auto words = [this] {
    std::istringstream in(rest);
    std::vector<std::string> found;
    for (std::string word; in >> word;) {
      found.push_back(word);
    }
    return found;
  }();
  if (words.empty() || !words.back().starts_with('/')) {
    return "";
  }
  std::string path = words.back();
  if (path.ends_with(".db")) {
    path.resize(path.size() - 3);
  }
  return path;
}

std::string sendmail_cf::option(std::string_view name) const {
  std::string value;
  for (const auto& [key, text] : options) {
    value = key == name ? text : value;
  }
  return value;
}

const cf_definition* sendmail_cf::mailer(std::string_view name) const {
  const auto at = std::find_if(mailers.begin(), mailers.end(),
                               [name](const cf_definition& m) { return m.name == name; });
  return at == mailers.end() ? nullptr : &*at;
}

const cf_map* sendmail_cf::map(std::string_view name) const {
  const auto at =
      std::find_if(maps.begin(), maps.end(), [name](const cf_map& m) { return m.name == name; });
  return at == maps.end() ? nullptr : &*at;
}

sendmail_cf parse_cf(std::string_view text) {
  sendmail_cf cf;
  for (const auto& line : logical_lines(text)) {
    switch (line.front()) {
    case 'O':
      if (const auto equals = line.find('='); equals != std::string::npos) {
        cf.options.emplace_back(trimmed(std::string_view(line).substr(1, equals - 1)),
                                trimmed(std::string_view(line).substr(equals + 1)));
      }
      break;
    case 'M': cf.mailers.push_back(parse_definition(line)); break;
    case 'X': cf.filters.push_back(parse_definition(line)); break;
    case 'Q': cf.groups.push_back(parse_definition(line)); break;
    case 'K': cf.maps.push_back(parse_map(line)); break;
    default: break;
    }
  }
  return cf;
}

std::string without_build_marks(std::string_view cf) {
  std::string rest;
  for (const auto& line : split_lines(cf)) {
    if (!line.starts_with("#####")) {
      rest += line + '\n';
    }
  }
  return rest;
}

std::string with_path_moved(std::string_view cf, const std::string& path,
                            const std::string& staged) {
  std::string moved;
  for (auto line : split_lines(cf)) {
    const auto at =
        line.starts_with('K') || line.starts_with('F') ? line.find(path) : std::string::npos;
    if (at != std::string::npos) {
      const char next = at + path.size() < line.size() ? line[at + path.size()] : ' ';
      if (next == ' ' || next == '\t' || next == '.') {
        line.replace(at, path.size(), staged);
      }
    }
    moved += line + '\n';
  }
  return moved;
}

pid_file read_pid_file(const std::string& path) {
  std::ifstream in(path);
  pid_file found;
  std::string first;
  std::getline(in, first);
  std::getline(in, found.command);
  found.pid = std::atoi(first.c_str());
  if (found.pid <= 1 || ::kill(found.pid, 0) != 0) {
    found.pid = 0;
  }
  return found;
}

result<built_cf> build_cf(const settings& s, const std::string& mc, const std::string& directory) {
  auto built = run_checked({s.programs.m4, mc}, {.directory = directory});
  if (!built) {
    return built.error();
  }
  built_cf cf{.text = std::move(built->output), .complaints = split_lines(built->errors)};
  if (parse_cf(cf.text).mailers.empty()) {
    return permanent_failure(failure_reason::perm, fmt::format("m4 makes no sendmail.cf of {}", mc),
                             words_of(*built));
  }
  return cf;
}

result<std::vector<std::string>> class_members(const settings& s, const std::string& cf,
                                               const std::string& name) {
  const auto said =
      run_program({s.programs.sendmail, "-C", cf, "-bt"},
                  {.input = fmt::format("$={}\n", name), .limit = std::chrono::seconds(180)});
  if (!said) {
    return said.error();
  }
  if (said->status != 0) {
    return permanent_failure(failure_reason::perm, fmt::format("sendmail does not read {}", cf),
                             words_of(*said));
  }
  std::vector<std::string> members;
  for (const auto& line : split_lines(said->output)) {
    std::string word = line;
    while (word.starts_with("> ")) {
      word.erase(0, 2);
    }
    word = trimmed(word);
    if (!word.empty() && word != ">" && word.find(' ') == std::string::npos) {
      std::transform(word.begin(), word.end(), word.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      members.push_back(word);
    }
  }
  return members;
}

result<std::map<std::string, std::string>> mailers_of(const settings& s, const std::string& cf,
                                                      const std::vector<std::string>& addresses) {
  std::map<std::string, std::string> found;
  if (addresses.empty()) {
    return found;
  }
  arguments argv = {s.programs.sendmail, "-C", cf, "-bv"};
  argv.insert(argv.end(), addresses.begin(), addresses.end());
  const auto said = run_program(argv, {.limit = std::chrono::seconds(180)});
  if (!said) {
    return said.error();
  }
  for (const auto& address : addresses) {
    for (const auto& line : split_lines(said->output)) {
      const auto mailer = line.find("mailer ");
      if (line.starts_with(address + "... ") && mailer != std::string::npos) {
        const auto begin = mailer + 7;
        found[address] = line.substr(begin, line.find_first_of(", ", begin) - begin);
      }
    }
    if (!found.contains(address)) {
      found[address] = "";
    }
  }
  return found;
}

bool greets(const std::string& daemon_port_options) {
  const cf_definition daemon = parse_definition("-, " + daemon_port_options);
  const auto either = [&](const char* name, const char* initial, const char* otherwise) {
    const std::string full = daemon.field(name);
    const std::string brief = daemon.field(initial);
    return !full.empty() ? full : !brief.empty() ? brief : std::string(otherwise);
  };
  const std::string host = either("Addr", "A", "127.0.0.1");
  const std::string port = either("Port", "P", "25");
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (::getaddrinfo(host.c_str(), port.c_str(), &hints, &list) != 0) {
    return false;
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, &::freeaddrinfo);
  const int number = ::socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit{10, 0};
  ::setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(number, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  char first = 0;
  const bool answered =
      ::connect(number, list->ai_addr, list->ai_addrlen) == 0 && ::recv(number, &first, 1, 0) == 1;
  ::close(number);
  return answered && (first == '2' || first == '4');
}

} // namespace homeward::admin::mta
