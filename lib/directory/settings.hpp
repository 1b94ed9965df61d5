#pragma once
// The `directory:` part of the settings, shared by every program that knows users.

#include <chrono>
#include <memory>
#include <string>

#include "lib/config/table.hpp"
#include "lib/directory/engine.hpp"
#include "lib/mail/address_rules.hpp"

namespace homeward::directory {

enum class engine_kind : unsigned char { sqlite, yaml };

struct settings {
  engine_kind engine = engine_kind::sqlite;
  std::string file = "/var/lib/homeward/directory.db";
  std::string replica_file = {}; // empty: no state is kept for a start without the engine
  std::chrono::milliseconds refresh{2000};
  std::chrono::milliseconds busy{5000}; // longest wait for a lock of the database
};

// Include it as `t.include("directory", &my_settings::directory, directory::settings_table())`.
[[nodiscard]] config::table<settings> settings_table();

// The `addresses:` part, for programs that turn recipients into mailboxes: include it as
// "addresses". All of it can be reloaded.
[[nodiscard]] config::table<mail::address_rules> address_rules_table();

// The engine that the settings name. Nothing is opened yet: an engine that is away answers its
// calls with failures and is found when it returns.
[[nodiscard]] std::unique_ptr<engine> make_engine(const settings& s);

} // namespace homeward::directory
