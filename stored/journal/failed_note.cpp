#include "stored/journal/failed_note.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <string>

#include <fmt/format.h>

namespace homeward::journal {

void leave_failed_note(fs::file_system& files, const fs::handle& directory, const failure& why,
                       wall_time now) {
  const auto note = files.open_at(directory, failed_note_name, fs::open_mode::create_new);
  if (note) {
    const std::string text = fmt::format("{} {}\n", unix_seconds(now), describe(why));
    const std::array<std::string_view, 1> pieces = {text};
    (void)files.write(*note, 0, pieces);
  }
}

result<bool> has_failed_note(fs::file_system& files, const fs::handle& directory) {
  const auto status = files.status_at(directory, failed_note_name);
  if (!status && !(status.error() == ENOENT)) {
    return fs::to_failure(status.error(), failed_note_name);
  }
  return status.has_value();
}

result<void> remove_failed_note(fs::file_system& files, const fs::handle& directory) {
  const auto gone = files.unlink_at(directory, failed_note_name);
  if (!gone && gone.error() == ENOENT) {
    return {};
  }
  const auto durable = gone ? files.sync_all(directory) : gone;
  if (!durable) {
    return fs::to_failure(durable.error(), failed_note_name);
  }
  return {};
}

std::uint64_t unix_seconds(wall_time t) {
  const auto since = std::chrono::duration_cast<std::chrono::seconds>(t.time_since_epoch()).count();
  return since < 0 ? 0 : static_cast<std::uint64_t>(since);
}

} // namespace homeward::journal
