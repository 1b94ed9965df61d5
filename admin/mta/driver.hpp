#pragma once
// What `homewardctl mta` needs of an MTA. Two implementations: Postfix and sendmail.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/failure.hpp"

#include "admin/mta/plan.hpp"
#include "admin/mta/settings.hpp"

namespace homeward::admin::mta {

// Homeward's own directory, as far as a plan asks it. Failures: it cannot be reached.
struct user_directory {
  std::function<result<bool>(const std::string& address)> knows;
  std::function<result<std::vector<std::string>>(const std::string& domain)> local_parts;
};

// Mail that waits in the MTA's queue, and how to send it on.
struct waiting_mail {
  std::uint64_t messages = 0;
  arguments send_on;
};

// One MTA on this host, as the settings name it. Blocks; one thread.
class driver {
 public:
  driver() = default;
  driver(const driver&) = delete;
  driver& operator=(const driver&) = delete;
  virtual ~driver() = default;

  // Reads the running configuration, makes the wanted one in the directory `staging`, has the MTA's
  // own programs check that copy, and says what differs. Never changes a file elsewhere. What
  // speaks against applying is in plan::problems; a failure means that it could not be found out.
  [[nodiscard]] virtual result<plan> make_plan(const std::string& staging) = 0;

  // Whether the MTA runs now.
  [[nodiscard]] virtual bool is_running() = 0;
  // Has it read its configuration again, as settings::reload says.
  [[nodiscard]] virtual result<void> reload() = 0;
  // Asks the installed configuration: the MTA's checker, the routes of the probes; where it ran
  // before (`was_running`), that it still does.
  [[nodiscard]] virtual result<void> verify(const std::vector<probe>& probes, bool was_running) = 0;

  [[nodiscard]] virtual waiting_mail waiting() = 0;
  // The traps in the configuration as it is.
  [[nodiscard]] virtual result<std::vector<finding>> check() = 0;
};

// The MTA that the settings name, or that is there; a failure says which of the two is meant to be
// named, or what is missing.
[[nodiscard]] result<std::unique_ptr<driver>> make_driver(settings s, user_directory users);

// Defined beside their classes.
[[nodiscard]] std::unique_ptr<driver> make_postfix_driver(settings s);
[[nodiscard]] std::unique_ptr<driver> make_sendmail_driver(settings s, user_directory users);

// Adds the file to the plan unless it holds that text already.
[[nodiscard]] result<void> add_change(plan& p, file_change change);
// The addresses whose old route is kept, without repetitions.
[[nodiscard]] std::vector<std::string> kept_addresses(const std::vector<old_route>& routes);
// Reads a fragment of sendmail-cf/ or postfix-conf/; a failure that says where it was looked for.
[[nodiscard]] result<std::string> read_fragment(const settings& s, const std::string& name);
// "unix:/run/x.sock" -> "/run/x.sock"; empty for others.
[[nodiscard]] std::string unix_path(const std::string& socket);
[[nodiscard]] std::string domain_part(const std::string& address);
[[nodiscard]] bool contains(const std::vector<std::string>& list, const std::string& word);

} // namespace homeward::admin::mta
