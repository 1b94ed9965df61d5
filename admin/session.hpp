#pragma once
// What all commands of one run of homewardctl share: the streams, the global options, and the
// directory.

#include <functional>
#include <istream>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "lib/base/failure.hpp"
#include "lib/directory/engine.hpp"
#include "lib/directory/settings.hpp"
#include "lib/mail/address_rules.hpp"

#include "admin/exit_code.hpp"

namespace homeward::admin {

// The world around one run; tests give another one.
struct environment {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  std::function<std::optional<std::string>(const std::string&)> variable; // getenv
  bool is_terminal = false; // somebody is there to answer a question
};

// The file with the settings that daemons share, if no other is named.
inline constexpr const char* default_settings_file = "/etc/homeward/bridge.yaml";
// The environment variable that names the directory.
inline constexpr const char* directory_variable = "HOMEWARD_DIRECTORY";

// One run. Not copyable; one thread.
class session {
 public:
  explicit session(environment& env) : env_(env) {}
  session(const session&) = delete;
  session& operator=(const session&) = delete;

  // Filled from the command line before a command runs.
  struct {
    std::string directory; // --directory
    std::string settings;  // --settings
    bool json = false;     // --json
  } options;

  [[nodiscard]] std::istream& in() { return env_.in; }
  [[nodiscard]] std::ostream& out() { return env_.out; }
  [[nodiscard]] std::ostream& err() { return env_.err; }
  [[nodiscard]] bool json() const { return options.json; }
  // One JSON document, ended by a line end.
  void print(const nlohmann::json& document);

  // Where the directory is: --directory, else the environment variable, else the settings file.
  [[nodiscard]] result<directory::settings> directory_settings();
  // The directory; opened by its first use.
  [[nodiscard]] result<directory::engine*> engine();
  // The address rules of the settings file; the defaults when there is no such file.
  [[nodiscard]] result<mail::address_rules> address_rules();
  // The canonical mailbox that a person means by `text`; a permanent failure when it is no address.
  [[nodiscard]] result<std::string> mailbox(std::string_view text);

  // Asks a question that a person answers with yes. False without a terminal: then --yes is needed,
  // and the person is told so.
  [[nodiscard]] bool confirm(const std::string& question);

  // Prints what went wrong and what to do next; the exit code that goes with it.
  exit_code report(const failure& f);
  void end(exit_code code) { code_ = code; }
  [[nodiscard]] exit_code code() const { return code_; }

 private:
  [[nodiscard]] std::string settings_file() const;

  environment& env_;
  std::unique_ptr<directory::engine> engine_;
  exit_code code_ = exit_code::done;
};

} // namespace homeward::admin
