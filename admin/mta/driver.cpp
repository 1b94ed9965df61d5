#include "admin/mta/driver.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "admin/mta/file_image.hpp"

namespace homeward::admin::mta {

namespace {

bool exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

failure which(const char* what, const char* cause) {
  failure f = permanent_failure(failure_reason::perm, what, cause);
  f.advice = "Name it in the settings file: mta: postfix, or mta: sendmail; and configuration: "
             "DIRECTORY when it is not in its usual place.";
  return f;
}

} // namespace

result<std::unique_ptr<driver>> make_driver(settings s, user_directory users) {
  if (s.mta == mta_kind::automatic) {
    const std::string& named = s.configuration;
    const bool postfix = exists((named.empty() ? "/etc/postfix" : named) + "/main.cf");
    const bool sendmail = exists((named.empty() ? "/etc/mail" : named) + "/sendmail.cf");
    if (postfix == sendmail) {
      return postfix ? which("both Postfix and sendmail are here", "main.cf and sendmail.cf")
                     : which("neither Postfix nor sendmail is here", "no main.cf, no sendmail.cf");
    }
    s.mta = postfix ? mta_kind::postfix : mta_kind::sendmail;
  }
  if (s.configuration.empty()) {
    s.configuration = s.mta == mta_kind::postfix ? "/etc/postfix" : "/etc/mail";
  }
  const std::string needed =
      s.configuration + (s.mta == mta_kind::postfix ? "/main.cf" : "/sendmail.cf");
  if (!exists(needed)) {
    return which("the MTA's configuration is not there", needed.c_str());
  }
  return s.mta == mta_kind::postfix ? make_postfix_driver(std::move(s))
                                    : make_sendmail_driver(std::move(s), std::move(users));
}

result<void> add_change(plan& p, file_change change) {
  change.path = resolved(change.path);
  const auto now = read_image(change.path);
  if (!now) {
    return now.error();
  }
  if (!now->exists || now->text != change.text) {
    p.changes.push_back(std::move(change));
  }
  return {};
}

std::vector<std::string> kept_addresses(const std::vector<old_route>& routes) {
  std::vector<std::string> kept;
  for (const auto& route : routes) {
    if (route.kept && !contains(kept, route.address)) {
      kept.push_back(route.address);
    }
  }
  return kept;
}

result<std::string> read_fragment(const settings& s, const std::string& name) {
  const std::string path = s.fragments + '/' + name;
  auto image = read_image(path);
  if (!image) {
    return image.error();
  }
  if (!image->exists) {
    failure f =
        permanent_failure(failure_reason::perm, fmt::format("the fragment {} is missing", path));
    f.advice = "Install it, or name the directory that holds sendmail-cf/ and postfix-conf/ with "
               "`fragments:` in the settings file.";
    return f;
  }
  return std::move(image->text);
}

std::string unix_path(const std::string& socket) {
  return socket.starts_with("unix:") ? socket.substr(5) : "";
}

std::string domain_part(const std::string& address) {
  return address.substr(address.rfind('@') + 1);
}

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

} // namespace homeward::admin::mta
