#include "admin/session.hpp"

#include <filesystem>

#include <fmt/format.h>

#include "lib/base/escape.hpp"
#include "lib/mail/address.hpp"

namespace homeward::admin {

namespace {

// A settings file that is wrong is neither the directory's fault nor the person's command line.
failure settings_failure(const config::problems& problems) {
  failure f = permanent_failure(failure_reason::syntax, "the settings file is wrong");
  for (const auto& p : problems) {
    f.cause += (f.cause.empty() ? "" : "\n  ") + config::to_string(p);
  }
  f.advice = "Repair it, or name the directory itself with --directory FILE.";
  return f;
}

directory::settings settings_for(const std::string& file) {
  directory::settings s;
  s.file = std::filesystem::absolute(file).lexically_normal().string();
  s.engine = file.ends_with(".yaml") || file.ends_with(".yml") ? directory::engine_kind::yaml
                                                               : directory::engine_kind::sqlite;
  return s;
}

} // namespace

void session::print(const nlohmann::json& document) {
  // Text that is not UTF-8 is shown with replacement characters rather than not at all.
  out() << document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

std::string session::settings_file() const {
  return options.settings.empty() ? default_settings_file : options.settings;
}

result<directory::settings> session::directory_settings() {
  if (!options.directory.empty()) {
    return settings_for(options.directory);
  }
  if (options.settings.empty()) {
    if (const auto named = env_.variable(directory_variable); named && !named->empty()) {
      return settings_for(*named);
    }
    std::error_code error;
    if (!std::filesystem::exists(settings_file(), error)) {
      return directory::settings{};
    }
  }
  auto parsed = directory::settings_table().parse_part(settings_file(), "directory");
  if (parsed.has_error()) {
    return settings_failure(parsed.error());
  }
  return std::move(*parsed);
}

result<directory::engine*> session::engine() {
  if (!engine_) {
    const auto settings = directory_settings();
    if (settings.has_error()) {
      return settings.error();
    }
    engine_ = directory::make_engine(*settings);
  }
  return engine_.get();
}

result<mail::address_rules> session::address_rules() {
  std::error_code error;
  if (options.settings.empty() && !std::filesystem::exists(settings_file(), error)) {
    return mail::address_rules{};
  }
  auto parsed = directory::address_rules_table().parse_part(settings_file(), "addresses");
  if (parsed.has_error()) {
    return settings_failure(parsed.error());
  }
  return std::move(*parsed);
}

result<std::string> session::mailbox(std::string_view text) {
  const auto rules = address_rules();
  if (rules.has_error()) {
    return rules.error();
  }
  const auto parsed = mail::parse_address(text, mail::charset::utf8);
  if (parsed.has_error()) {
    failure f = permanent_failure(failure_reason::syntax,
                                  fmt::format("\"{}\" is not an address", escape(text, 120)),
                                  std::string(mail::words(parsed.error())));
    f.advice = "Write it as ann@example.org.";
    return f;
  }
  return rules->canonical(*parsed);
}

bool session::confirm(const std::string& question) {
  if (!env_.is_terminal) {
    err() << question << "\nNothing was changed: give --yes to confirm.\n";
    return false;
  }
  err() << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(in(), answer);
  if (answer == "y" || answer == "yes" || answer == "Y") {
    return true;
  }
  err() << "Nothing was changed.\n";
  return false;
}

exit_code session::report(const failure& f) {
  err() << "homewardctl: " << escape(f.what, 1000) << '\n';
  if (!f.cause.empty()) {
    err() << "  " << f.cause << '\n';
  }
  if (!f.advice.empty()) {
    err() << "  " << f.advice << '\n';
  }
  if (json()) {
    print({{"error", {{"what", f.what}, {"cause", f.cause}, {"advice", f.advice}}}});
  }
  if (f.kind != failure_kind::permanent) {
    return exit_code::unavailable;
  }
  return f.what == "the settings file is wrong" ? exit_code::settings : exit_code::refused;
}

} // namespace homeward::admin
