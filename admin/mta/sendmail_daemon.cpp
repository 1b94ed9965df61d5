// The running sendmail: restart it, ask it, look at its queue.

#include <csignal>
#include <thread>

#include <fmt/format.h>

#include "admin/mta/file_image.hpp"
#include "admin/mta/sendmail_driver.hpp"

namespace homeward::admin::mta {

bool sendmail_driver::is_running() {
  const auto cf = read_image(path("sendmail.cf"));
  return cf && read_pid_file(parse_cf(cf->text).option("PidFile")).pid != 0;
}

result<void> sendmail_driver::reload() {
  if (settings_.reload.how == reload_kind::command) {
    const auto done = run_checked(settings_.reload.command, {.limit = std::chrono::seconds(120)});
    return done ? result<void>{} : done.error();
  }
  const auto cf = read_image(path("sendmail.cf"));
  if (!cf) {
    return cf.error();
  }
  const std::string file = parse_cf(cf->text).option("PidFile");
  const auto daemon = read_pid_file(file);
  const auto before = read_image(file);
  if (daemon.pid == 0 || ::kill(daemon.pid, SIGHUP) != 0) {
    return permanent_failure(failure_reason::perm, "sendmail cannot be told to start anew",
                             fmt::format("no living process in {}", file));
  }
  // It writes its pid file again when it has read its configuration.
  for (int i = 0; i < 1500; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const auto now = read_image(file);
    if (now && before && now->exists && !(now->attributes.changed == before->attributes.changed) &&
        read_pid_file(file).pid != 0) {
      return {};
    }
  }
  return permanent_failure(failure_reason::perm, "sendmail did not start anew within 30 s",
                           fmt::format("{} was not written again", file));
}

result<void> sendmail_driver::verify(const std::vector<probe>& probes, bool was_running) {
  std::vector<std::string> addresses;
  for (const auto& probe : probes) {
    addresses.push_back(probe.address);
  }
  const auto mailers = mailers_of(settings_, path("sendmail.cf"), addresses);
  if (!mailers) {
    return mailers.error();
  }
  for (const auto& probe : probes) {
    const std::string& found = mailers->at(probe.address);
    if (found.starts_with(probe.route) == probe.elsewhere) {
      return permanent_failure(failure_reason::perm,
                               fmt::format("sendmail delivers {} by {}", probe.address,
                                           found.empty() ? "nothing" : "the mailer " + found));
    }
  }
  if (!was_running) {
    return {};
  }
  const auto cf = read_image(path("sendmail.cf"));
  const std::string port = cf ? parse_cf(cf->text).option("DaemonPortOptions") : "";
  for (int i = 0; i < 40; ++i) {
    if (is_running() && (port.empty() || greets(port))) {
      return {};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
  }
  return permanent_failure(failure_reason::perm, "sendmail does not answer any more",
                           fmt::format("nobody greets at {}", port));
}

waiting_mail sendmail_driver::waiting() {
  waiting_mail w;
  w.send_on = {settings_.programs.sendmail, "-q"};
  const auto listed = run_program({settings_.programs.sendmail, "-C", path("sendmail.cf"), "-bp"});
  if (listed) {
    const auto at = listed->output.rfind("Total requests: ");
    w.messages =
        at == std::string::npos ? 0 : std::strtoull(listed->output.c_str() + at + 16, nullptr, 10);
  }
  return w;
}

} // namespace homeward::admin::mta
