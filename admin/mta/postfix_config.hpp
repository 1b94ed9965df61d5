#pragma once
// A Postfix configuration directory, asked and changed through postconf.

#include <string>
#include <utility>
#include <vector>

#include "lib/base/failure.hpp"

#include "admin/mta/program_run.hpp"
#include "admin/mta/settings.hpp"
#include "admin/mta/value_list.hpp"

namespace homeward::admin::mta {

// A service of master.cf as a fragment writes it.
struct master_service {
  std::string name;                                         // "homeward/unix"
  std::string line;                                         // "homeward unix - - n - 64 lmtp"
  std::vector<std::pair<std::string, std::string>> options; // -o name=value
};
// Pure. Nothing when the text has no service.
[[nodiscard]] std::vector<master_service> parse_master_cf(std::string_view text);

// One service as master.cf has it now.
struct running_service {
  std::string name; // "smtp/inet"
  bool chroot = false;
  std::string command; // "smtpd"
};

class postfix_config {
 public:
  postfix_config(const settings& s, std::string directory)
      : settings_(&s), directory_(std::move(directory)) {}

  [[nodiscard]] const std::string& directory() const { return directory_; }
  // The value as it is written; with `expanded`, with all $names replaced. Defaults included.
  [[nodiscard]] result<std::string> value(const std::string& name, bool expanded = true) const;
  // The parameters that main.cf sets.
  [[nodiscard]] result<std::vector<std::string>> names_set() const;
  // A parameter as the service sees it: its own -o, else main.cf's.
  [[nodiscard]] result<std::string> service_value(const std::string& service,
                                                  const std::string& name) const;
  // All of them in one step; none is fine.
  [[nodiscard]] result<void> set(const std::vector<parameter>& values) const;
  [[nodiscard]] result<void> remove(const std::string& name) const;
  [[nodiscard]] result<void> set_service(const master_service& service) const;
  [[nodiscard]] result<std::vector<running_service>> services() const;
  // The warnings of postconf: unused parameters, settings overridden.
  [[nodiscard]] result<std::vector<std::string>> warnings() const;
  // `postfix check`.
  [[nodiscard]] result<void> check() const;

  // What the table answers; empty for nothing. `staged` tables are asked where they lie.
  [[nodiscard]] result<std::string> look_up(const std::string& key, const std::string& map) const;

 private:
  [[nodiscard]] result<std::string> ask(arguments more) const;

  const settings* settings_;
  std::string directory_;
};

} // namespace homeward::admin::mta
