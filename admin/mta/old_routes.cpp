#include "admin/mta/old_routes.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <pwd.h>

#include <fmt/format.h>

#include "admin/mta/marked_block.hpp"

namespace homeward::admin::mta {

namespace {

namespace stdfs = std::filesystem;

bool holds_something(const stdfs::path& file) {
  std::error_code error;
  return stdfs::is_regular_file(file, error) && stdfs::file_size(file, error) > 0;
}

bool holds_scripts(const stdfs::path& directory) {
  std::error_code error;
  for (const auto& entry : stdfs::directory_iterator(directory, error)) {
    if (entry.path().extension() == ".sieve") {
      return true;
    }
  }
  return false;
}

struct route_file {
  const char* kind;
  const char* name; // below the home directory
};
constexpr route_file account_files[] = {
    {".forward", ".forward"},     {"procmail", ".procmailrc"},   {"vacation", ".vacation.msg"},
    {"vacation", ".vacation.db"}, {"vacation", ".vacation.pag"}, {"mailfilter", ".mailfilter"},
    {"Sieve", ".dovecot.sieve"},
};

void add_home(const std::string& address, const stdfs::path& home, std::vector<old_route>& into) {
  for (const auto& [kind, name] : account_files) {
    std::error_code error;
    const auto file = home / name;
    // A link counts too: Dovecot's .dovecot.sieve is one.
    if (holds_something(file) || stdfs::is_symlink(file, error)) {
      into.push_back({address, kind, file.string()});
    }
  }
  if (holds_scripts(home / "sieve")) {
    into.push_back({address, "Sieve", (home / "sieve").string()});
  }
}

std::string local_part(const std::string& address) {
  return address.substr(0, address.rfind('@'));
}
std::string domain_of(const std::string& address) {
  return address.substr(address.rfind('@') + 1);
}

std::string replaced(std::string text, std::string_view what, const std::string& with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

// The users that a template of home directories has for a domain: what stands in {user}'s place.
std::vector<std::string> users_below(const std::string& home, const std::string& domain) {
  const std::string with_domain = replaced(home, "{domain}", domain);
  const auto at = with_domain.find("{user}");
  std::vector<std::string> users;
  if (at == std::string::npos) {
    return users;
  }
  std::error_code error;
  for (const auto& entry : stdfs::directory_iterator(with_domain.substr(0, at), error)) {
    users.push_back(entry.path().filename().string());
  }
  return users;
}

void add_virtual_user(const settings& s, const std::string& address, std::vector<old_route>& into) {
  for (const auto& home : s.sieve) {
    add_home(
        address,
        replaced(replaced(home, "{domain}", domain_of(address)), "{user}", local_part(address)),
        into);
  }
}

void add_aliases(const moving& m, std::vector<old_route>& into) {
  for (const auto& file : m.alias_files) {
    for (const auto& name : alias_names(file)) {
      for (const auto& domain : m.local_domains) {
        into.push_back({name + '@' + domain, "alias", file});
      }
      for (const auto& user : m.local_users) {
        if (local_part(user) == name) {
          into.push_back({user, "alias", file});
        }
      }
    }
  }
}

} // namespace

std::vector<account> read_accounts(const std::string& file) {
  std::vector<account> found;
  if (file.empty()) {
    ::setpwent();
    while (const passwd* entry = ::getpwent()) {
      found.push_back({entry->pw_name, entry->pw_dir});
    }
    ::endpwent();
    return found;
  }
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    std::vector<std::string> fields(1);
    for (const char c : line) {
      if (c == ':') {
        fields.emplace_back();
      } else {
        fields.back() += c;
      }
    }
    if (fields.size() >= 6 && !fields[0].empty() && fields[0][0] != '#') {
      found.push_back({fields[0], fields[5]});
    }
  }
  return found;
}

std::vector<std::string> alias_names(const std::string& file) {
  std::vector<std::string> names;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#' || line[0] == ' ' || line[0] == '\t') {
      continue;
    }
    const auto colon = line.find(':');
    if (colon == std::string::npos) {
      continue;
    }
    std::string name = table_key(line.substr(0, colon));
    name.erase(std::remove(name.begin(), name.end(), '"'), name.end());
    if (!name.empty() && name.find('@') == std::string::npos) {
      names.push_back(name);
    }
  }
  return names;
}

std::vector<old_route> find_old_routes(const settings& s, const moving& m) {
  std::vector<old_route> found;
  if (!m.local_domains.empty() || !m.local_users.empty()) {
    for (const auto& account : read_accounts(s.accounts)) {
      for (const auto& domain : m.local_domains) {
        add_home(account.name + '@' + domain, account.home, found);
      }
      for (const auto& user : m.local_users) {
        if (local_part(user) == account.name) {
          add_home(user, account.home, found);
        }
      }
    }
  }
  if (m.aliases_move) {
    add_aliases(m, found);
  }
  for (const auto& domain : m.virtual_domains) {
    for (const auto& home : s.sieve) {
      for (const auto& user : users_below(home, domain)) {
        add_home(user + '@' + domain, replaced(replaced(home, "{domain}", domain), "{user}", user),
                 found);
      }
    }
  }
  for (const auto& user : m.virtual_users) {
    add_virtual_user(s, user, found);
  }
  for (auto& route : found) {
    route.kept = s.keep_old_routes;
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const old_route& a, const old_route& b) { return a.address < b.address; });
  return found;
}

} // namespace homeward::admin::mta
