#include "lib/directory/yaml_engine.hpp"

#include <algorithm>
#include <cerrno>
#include <fnmatch.h>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <sys/stat.h>
#include <system_error>

#include <fmt/format.h>

#include "lib/base/digest.hpp"
#include "lib/base/escape.hpp"

namespace homeward::directory {

namespace {

// The records as they are written: homes as text.
struct partition_record {
  std::string server;
  std::string directory;
  partition_kind kind = partition_kind::stored;
  partition_state state = partition_state::active;
  std::uint32_t weight = 1;
  std::string path;
};
struct user_record {
  std::string mailbox;
  std::string home;
  std::string secondary;
  byte_count quota;
  user_state state = user_state::active;
  std::uint64_t epoch = 1;
};
struct list_record {
  std::vector<server> servers;
  std::vector<partition_record> partitions;
  std::vector<user_record> users;
};

// The complaint without the value it quotes first, as the settings table puts that in front.
std::string name_check(const std::string& text) {
  return is_name(text)
             ? ""
             : "is not a name; use letters, digits, '.', '_' and '-', at most 64 of them, "
               "no '.' at the start";
}

std::string home_check(const std::string& text) {
  return parse_partition_id(text).has_value()
             ? ""
             : "is not a partition; write it as SERVER/DIRECTORY, such as store1/mail1";
}

partition to_partition(const partition_record& r) {
  return {.id = {r.server, r.directory},
          .kind = r.kind,
          .state = r.state,
          .weight = r.weight,
          .path = r.path};
}

user to_user(const user_record& r) {
  user u{.mailbox = r.mailbox};
  u.where.primary = parse_partition_id(r.home).value();
  if (!r.secondary.empty()) {
    u.where.secondary = parse_partition_id(r.secondary).value();
  }
  u.where.quota = r.quota;
  u.where.state = r.state;
  u.where.epoch = r.epoch;
  return u;
}

config::table<server> server_table() {
  config::table<server> t{"server"};
  t.add("name", &server::name,
        {.doc = "The name of the server.",
         .example = "store1",
         .required = true,
         .check = name_check});
  t.add("endpoints", &server::endpoints,
        {.doc = "Where its stored listens: host:port, [::1]:port or unix:/path, tried in order.",
         .example = "[127.0.0.1:2424]"});
  t.validate([](const server& s, const config::report& r) {
    if (const std::string wrong = complaint(s); !wrong.empty()) {
      r.add("endpoints", wrong);
    }
  });
  return t;
}

config::table<partition_record> partition_table() {
  config::table<partition_record> t{"partition"};
  t.add(
      "server", &partition_record::server,
      {.doc = "The server it is on.", .example = "store1", .required = true, .check = name_check});
  t.add("directory", &partition_record::directory,
        {.doc = "The name of the partition on that server.",
         .example = "mail1",
         .required = true,
         .check = name_check});
  t.add("kind", &partition_record::kind,
        {.doc =
             "stored: reached through the storage protocol. path: a directory that the front end "
             "writes itself.",
         .names = {{"stored", partition_kind::stored}, {"path", partition_kind::path}}});
  t.add("path", &partition_record::path, {.doc = "The absolute path, for kind path only."});
  t.add("state", &partition_record::state,
        {.doc = "offline: mail for its users is answered \"try later\".",
         .names = {{"active", partition_state::active},
                   {"draining", partition_state::draining},
                   {"full", partition_state::full},
                   {"offline", partition_state::offline}}});
  t.add(
      "weight", &partition_record::weight,
      {.doc = "Its share of new users; without meaning in a static list.", .max = largest_weight});
  t.validate([](const partition_record& p, const config::report& r) {
    if (const std::string wrong = complaint(to_partition(p)); !wrong.empty()) {
      r.add("path", wrong);
    }
  });
  return t;
}

config::table<user_record> user_table() {
  config::table<user_record> t{"user"};
  t.add("mailbox", &user_record::mailbox,
        {.doc = "The canonical mailbox: domain in lower case, no detail.",
         .example = "ann@example.org",
         .required = true});
  t.add("home", &user_record::home,
        {.doc = "The partition where the mail of this user lies.",
         .example = "store1/mail1",
         .required = true,
         .check = home_check});
  t.add("secondary", &user_record::secondary, {.doc = "The partition of a second copy."});
  t.add("quota", &user_record::quota, {.doc = "The limit of the mailbox; 0 B: none."});
  t.add("state", &user_record::state,
        {.doc = "disabled: new mail is refused.",
         .names = {{"active", user_state::active}, {"disabled", user_state::disabled}}});
  t.add("epoch", &user_record::epoch,
        {.doc = "Raise it by one when you change the home.", .min = std::uint64_t{1}});
  t.validate([](const user_record& u, const config::report& r) {
    if (!u.secondary.empty() && parse_partition_id(u.secondary).has_error()) {
      r.add("secondary", "\"" + escape(u.secondary, 80) + "\" " + home_check(u.secondary));
    } else if (const std::string wrong = complaint(to_user(u)); !wrong.empty()) {
      r.add("mailbox", wrong);
    }
  });
  return t;
}

// That every name is known, and every partition is there once.
void check_references(const list_record& list, const config::report& r) {
  std::set<std::string> servers;
  for (const auto& s : list.servers) {
    servers.insert(s.name);
  }
  std::set<std::string> partitions;
  for (std::size_t i = 0; i < list.partitions.size(); ++i) {
    const auto& p = list.partitions[i];
    const auto in = r.below(fmt::format("partitions[{}]", i));
    if (!servers.contains(p.server)) {
      in.add("server", "there is no server \"" + escape(p.server, 80) + "\" in this file",
             "add it to servers");
    }
    if (!partitions.insert(p.server + '/' + p.directory).second) {
      in.add("directory", "this partition is there twice", "keep one of them");
    }
  }
  for (std::size_t i = 0; i < list.users.size(); ++i) {
    const auto& u = list.users[i];
    for (const auto& [key, home] :
         {std::pair("home", &u.home), std::pair("secondary", &u.secondary)}) {
      if (!home->empty() && !partitions.contains(*home)) {
        r.below(fmt::format("users[{}]", i))
            .add(key, "there is no partition \"" + escape(*home, 140) + "\" in this file",
                 "add it to partitions");
      }
    }
  }
}

config::table<list_record> list_table() {
  config::table<list_record> t{"a static directory"};
  t.add_records("servers", &list_record::servers, server_table(),
                {.doc = "The storage servers.", .unique = "name", .required = true});
  t.add_records("partitions", &list_record::partitions, partition_table(),
                {.doc = "The storage space list.", .required = true});
  t.add_records("users", &list_record::users, user_table(),
                {.doc = "Everybody who gets mail.", .unique = "mailbox", .required = true});
  t.validate(check_references);
  return t;
}

} // namespace

config::outcome<yaml_list> parse_yaml_list(std::string_view text, const std::string& file) {
  auto parsed = list_table().parse_text(text, file);
  if (parsed.has_error()) {
    return parsed.error();
  }
  yaml_list list{.servers = std::move(parsed->servers)};
  std::transform(parsed->partitions.begin(), parsed->partitions.end(),
                 std::back_inserter(list.partitions), to_partition);
  std::transform(parsed->users.begin(), parsed->users.end(), std::back_inserter(list.users),
                 to_user);
  std::sort(list.users.begin(), list.users.end(),
            [](const user& a, const user& b) { return a.mailbox < b.mailbox; });
  return list;
}

std::string example_yaml_list() {
  return list_table().example_file();
}

std::string yaml_of(const server& s) {
  return fmt::format("  - {{name: {}, endpoints: {}}}\n", config::print_text(s.name),
                     config::codec<std::vector<std::string>>::write(s.endpoints, {}));
}

std::string yaml_of(const partition& p) {
  return fmt::format("  - {{server: {}, directory: {}, kind: {}, state: {}, weight: {}{}}}\n",
                     config::print_text(p.id.server), config::print_text(p.id.directory),
                     name_of(p.kind), name_of(p.state), p.weight,
                     p.path.empty() ? "" : ", path: " + config::print_text(p.path));
}

std::string yaml_of(const user& u) {
  return fmt::format(
      "  - {{mailbox: {}, home: {}{}, quota: {}, state: {}, epoch: {}}}\n",
      config::print_text(u.mailbox), config::print_text(to_string(u.where.primary)),
      u.where.secondary ? ", secondary: " + config::print_text(to_string(*u.where.secondary)) : "",
      to_string(u.where.quota), name_of(u.where.state), u.where.epoch);
}

// ---- engine ----

result<void> yaml_engine::read() {
  struct stat facts = {};
  if (::stat(file_.c_str(), &facts) != 0) {
    return transient_failure("the user directory is not available",
                             file_ + ": " + std::generic_category().message(errno),
                             "Check `directory.file` in the settings and the rights of the file.");
  }
  const stamp now{.inode = facts.st_ino,
                  .size = static_cast<std::uint64_t>(facts.st_size),
                  .modified = facts.st_mtim.tv_sec * 1'000'000'000 + facts.st_mtim.tv_nsec};
  if (known_ && now == stamp_) {
    return {};
  }
  std::ifstream in(file_, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) {
    return transient_failure("the user directory is not available", file_ + ": cannot be read",
                             "Let the user of this program read it.");
  }
  auto parsed = parse_yaml_list(text.view(), file_);
  if (parsed.has_error()) {
    const auto problems = parsed.error();
    return transient_failure(
        "the user directory has a fault",
        fmt::format("{}{}", config::to_string(problems.front()),
                    problems.size() == 1 ? "" : fmt::format(" (and {} more)", problems.size() - 1)),
        "Repair the file; until then the last good state is used.");
  }
  sha256 digest;
  digest.update(text.view());
  list_ = std::move(*parsed);
  at_ = {.generation = to_hex(digest.finish(), 16), .change = 1};
  stamp_ = now;
  known_ = true;
  return {};
}

result<position> yaml_engine::load(receiver& into) {
  if (auto done = read(); done.has_error()) {
    return done.error();
  }
  for (const auto& s : list_.servers) {
    into.put(s);
  }
  for (const auto& p : list_.partitions) {
    into.put(p);
  }
  into.expect_users(list_.users.size());
  for (const auto& u : list_.users) {
    into.put(u);
  }
  return at_;
}

result<std::optional<position>> yaml_engine::changes_since(const position& known,
                                                           receiver& /*into*/) {
  if (auto done = read(); done.has_error()) {
    return done.error();
  }
  return known == at_ ? std::optional(at_) : std::optional<position>{};
}

result<std::vector<server>> yaml_engine::servers() {
  if (auto done = read(); done.has_error()) {
    return done.error();
  }
  return list_.servers;
}

result<std::vector<partition>> yaml_engine::partitions() {
  if (auto done = read(); done.has_error()) {
    return done.error();
  }
  return list_.partitions;
}

result<std::vector<partition_use>> yaml_engine::usage() {
  if (auto done = read(); done.has_error()) {
    return done.error();
  }
  std::vector<partition_use> all;
  for (const auto& p : list_.partitions) {
    partition_use use{.id = p.id};
    for (const auto& u : list_.users) {
      use.primary += u.where.primary == p.id ? 1U : 0U;
      use.secondary += u.where.secondary == p.id ? 1U : 0U;
    }
    all.push_back(use);
  }
  return all;
}

result<std::optional<user>> yaml_engine::find_user(std::string_view mailbox) {
  if (auto done = read(); done.has_error()) {
    return done.error();
  }
  const auto found =
      std::lower_bound(list_.users.begin(), list_.users.end(), mailbox,
                       [](const user& u, std::string_view name) { return u.mailbox < name; });
  return found != list_.users.end() && found->mailbox == mailbox ? std::optional(*found)
                                                                 : std::nullopt;
}

result<void> yaml_engine::each_user(const user_filter& filter,
                                    const std::function<bool(const user&)>& visit) {
  if (auto done = read(); done.has_error()) {
    return done.error();
  }
  std::uint64_t shown = 0;
  for (const auto& u : list_.users) {
    const bool wanted =
        (filter.pattern.empty() ||
         ::fnmatch(filter.pattern.c_str(), u.mailbox.c_str(), FNM_NOESCAPE) == 0) &&
        (!filter.on || u.where.primary == *filter.on || u.where.secondary == *filter.on) &&
        (!filter.state || u.where.state == *filter.state);
    if (wanted && (!visit(u) || ++shown == filter.limit)) {
      break;
    }
  }
  return {};
}

result<std::unique_ptr<edit>> yaml_engine::begin() {
  failure f = permanent_failure(failure_reason::perm, "a YAML directory cannot be changed here");
  f.advice = "Edit " + file_ +
             " yourself; for `homewardctl` use the sqlite engine "
             "(`homewardctl directory init`).";
  return f;
}

} // namespace homeward::directory
