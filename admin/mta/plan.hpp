#pragma once
// What an apply would do, as a value: made by a driver from the running configuration and mta.yaml,
// shown by `plan`, carried out by `apply`.

#include <cstdint>
#include <string>
#include <vector>

#include "admin/mta/program_run.hpp"
#include "admin/mta/settings.hpp"

namespace homeward::admin::mta {

// A file as it shall be. Those whose content is that already are not in a plan.
struct file_change {
  std::string path; // symbolic links resolved
  std::string text; // octets as they shall be
  std::string like; // a new file gets the owner and mode of this one
  // Made from another file of the plan by postmap or makemap: not shown, and an administrator who
  // made it anew has not changed anything.
  bool derived = false;
};

// A directory that has to be there. It is made with the owner of the directory above it.
struct new_directory {
  std::string path;
  std::uint32_t mode = 0700;
};

// A user whose mail is handled by files of his own today.
struct old_route {
  std::string address;
  std::string kind; // ".forward", "procmail", "vacation", "Sieve", "alias"
  std::string path; // the file that says so
  bool kept = true; // stays on the route it has today
};

// An address and what the MTA has to say about it: the mailer or transport begins with `route`;
// with `elsewhere` it must not.
struct probe {
  std::string address;
  std::string route;
  bool elsewhere = false;
};

struct plan {
  mta_kind mta = mta_kind::postfix;
  std::string configuration;        // directory
  std::vector<file_change> changes; // in the order in which they are put in place
  std::vector<new_directory> directories;
  std::vector<arguments> commands; // for people: what runs besides
  std::vector<old_route> old_routes;
  std::vector<std::string> notes;    // what was found
  std::vector<std::string> warnings; // what may surprise
  std::vector<std::string> problems; // why this cannot be applied, each with its remedy
  std::vector<probe> probes;

  [[nodiscard]] bool changes_anything() const { return !changes.empty() || !directories.empty(); }
};

// One trap that `check` found.
enum class severity : unsigned char { advice, warning, error };
struct finding {
  severity how_bad = severity::warning;
  std::string name; // "milter-default-accept": for scripts
  std::string what;
  std::string why;
  std::string mend;
};

} // namespace homeward::admin::mta
