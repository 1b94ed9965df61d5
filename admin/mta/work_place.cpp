#include "admin/mta/work_place.hpp"

#include <filesystem>

#include <fmt/format.h>

namespace homeward::admin::mta {

namespace {

failure settings_failure(const config::problems& problems) {
  failure f = permanent_failure(failure_reason::syntax, "the settings file is wrong");
  for (const auto& p : problems) {
    f.cause += (f.cause.empty() ? "" : "\n  ") + config::to_string(p);
  }
  f.advice = "Nothing was changed. Repair it; homeward-mta.yaml(5) explains every setting.";
  return f;
}

} // namespace

result<settings> read_settings(const command_options& o, bool or_defaults) {
  const std::string file = o.file.empty() ? default_mta_settings_file : o.file;
  std::error_code error;
  if (!std::filesystem::exists(file, error)) {
    if (or_defaults && o.file.empty()) {
      return settings{};
    }
    failure f = permanent_failure(failure_reason::perm, fmt::format("there is no {}", file));
    f.advice = "It says which mail goes to Homeward. Begin with the output of `homewardctl mta "
               "settings --example`, or name another file with --mta-settings.";
    return f;
  }
  auto parsed = settings_table().parse_file(file);
  if (parsed.has_error()) {
    return settings_failure(parsed.error());
  }
  if (o.move_forwarded) {
    parsed->keep_old_routes = false;
  }
  if (o.no_reload) {
    parsed->reload.how = reload_kind::none;
  }
  return std::move(*parsed);
}

user_directory directory_of(session& s) {
  user_directory users;
  users.knows = [&s](const std::string& address) -> result<bool> {
    const auto engine = s.engine();
    if (!engine) {
      return engine.error();
    }
    const auto mailbox = s.mailbox(address);
    if (!mailbox) {
      return mailbox.error();
    }
    const auto user = (*engine)->find_user(*mailbox);
    if (!user) {
      return user.error();
    }
    return user->has_value();
  };
  users.local_parts = [&s](const std::string& domain) -> result<std::vector<std::string>> {
    const auto engine = s.engine();
    if (!engine) {
      return engine.error();
    }
    std::vector<std::string> found;
    directory::user_filter filter;
    filter.pattern = "*@" + domain;
    const auto read = (*engine)->each_user(filter, [&](const directory::user& u) {
      found.push_back(u.mailbox.substr(0, u.mailbox.rfind('@')));
      return true;
    });
    if (!read) {
      return read.error();
    }
    return found;
  };
  return users;
}

work_place::work_place(settings s) : settings_(std::move(s)), store_(files_, settings_.backups) {}

work_place::~work_place() {
  std::error_code error;
  if (!staging_.empty()) {
    std::filesystem::remove_all(staging_, error);
  }
}

result<void> work_place::open() {
  auto lock = store_.lock();
  if (!lock) {
    return lock.error();
  }
  lock_ = std::move(*lock);
  return {};
}

result<std::string> work_place::staging() {
  auto made = store_.staging();
  if (made) {
    staging_ = *made;
  }
  return made;
}

} // namespace homeward::admin::mta
