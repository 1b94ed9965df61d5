// The running Postfix: reload it, ask it, look at its queue.

#include <algorithm>

#include <fmt/format.h>

#include "admin/mta/postfix_driver.hpp"
#include "admin/mta/value_list.hpp"

namespace homeward::admin::mta {

bool postfix_driver::is_running() {
  const auto status =
      run_program({settings_.programs.postfix, "-c", settings_.configuration, "status"});
  return status && status->status == 0;
}

result<void> postfix_driver::reload() {
  const arguments own = {settings_.programs.postfix, "-c", settings_.configuration, "reload"};
  const auto done =
      run_checked(settings_.reload.how == reload_kind::command ? settings_.reload.command : own,
                  {.limit = std::chrono::seconds(120)});
  return done ? result<void>{} : done.error();
}

result<std::string> postfix_driver::route_of(const std::string& address) const {
  const auto maps = live_.value("transport_maps");
  if (!maps) {
    return maps.error();
  }
  for (const std::string& key : {address, domain_part(address)}) {
    for (const auto& map : list_words(*maps)) {
      const auto found = live_.look_up(key, map);
      if (found && !found->empty()) {
        return *found;
      }
    }
  }
  return std::string();
}

result<void> postfix_driver::verify(const std::vector<probe>& probes, bool was_running) {
  if (auto good = live_.check(); !good) {
    return good;
  }
  for (const auto& probe : probes) {
    const auto route = route_of(probe.address);
    if (!route) {
      return route.error();
    }
    if (route->starts_with(probe.route) == probe.elsewhere) {
      return permanent_failure(failure_reason::perm,
                               fmt::format("Postfix routes {} by \"{}\"", probe.address, *route));
    }
  }
  if (was_running && !is_running()) {
    return permanent_failure(failure_reason::perm, "Postfix does not run any more",
                             "`postfix status` says so; the mail log says why");
  }
  return {};
}

waiting_mail postfix_driver::waiting() {
  waiting_mail w;
  w.send_on = {settings_.programs.postqueue, "-f"};
  const auto listed =
      run_program({settings_.programs.postqueue, "-c", settings_.configuration, "-j"});
  if (listed && listed->status == 0) {
    w.messages =
        static_cast<std::uint64_t>(std::count(listed->output.begin(), listed->output.end(), '\n'));
  }
  return w;
}

} // namespace homeward::admin::mta
