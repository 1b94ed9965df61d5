#pragma once
// The subcommands of homewardctl, one file each. Every function adds its command to the command
// line; when the person chose it, it runs after everything is parsed and ends the session with its
// exit code.

#include <functional>

#include "admin/session.hpp"

namespace CLI {
class App;
}

namespace homeward::admin {

void add_server_command(CLI::App& app, session& s);       // server.cpp
void add_partition_command(CLI::App& app, session& s);    // partition.cpp
void add_user_command(CLI::App& app, session& s);         // user.cpp
void add_user_import(CLI::App& user, session& s);         // user_import.cpp, below `user`
void add_locate_command(CLI::App& app, session& s);       // locate.cpp
void add_directory_command(CLI::App& app, session& s);    // directory.cpp
void add_status_command(CLI::App& app, session& s);       // status.cpp
void add_deliver_test_command(CLI::App& app, session& s); // deliver_test.cpp
void add_journal_command(CLI::App& app, session& s);      // journal.cpp
void add_mta_command(CLI::App& app, session& s);          // mta/mta.cpp
void add_queue_command(CLI::App& app, session& s);        // queue.cpp
void add_completion_command(CLI::App& app, session& s);   // completion.cpp

// Runs `command` when `leaf` was chosen.
void on_chosen(CLI::App& leaf, session& s, std::function<exit_code()> command);

// One change of the directory: begins, lets `change` do it, and commits unless it failed. `done`
// says what happened, after it is durable.
[[nodiscard]] exit_code
change_directory(session& s, const std::function<result<void>(directory::edit&)>& change,
                 const std::function<void()>& done);

} // namespace homeward::admin
