#include "admin/commands.hpp"

#include <CLI/CLI.hpp>

namespace homeward::admin {

void on_chosen(CLI::App& leaf, session& s, std::function<exit_code()> command) {
  leaf.callback([&s, command = std::move(command)] { s.end(command()); });
}

exit_code change_directory(session& s, const std::function<result<void>(directory::edit&)>& change,
                           const std::function<void()>& done) {
  const auto engine = s.engine();
  if (engine.has_error()) {
    return s.report(engine.error());
  }
  auto edit = (*engine)->begin();
  if (edit.has_error()) {
    return s.report(edit.error());
  }
  if (const auto changed = change(**edit); changed.has_error()) {
    return s.report(changed.error());
  }
  if (const auto committed = (*edit)->commit(); committed.has_error()) {
    return s.report(committed.error());
  }
  done();
  return exit_code::done;
}

} // namespace homeward::admin
