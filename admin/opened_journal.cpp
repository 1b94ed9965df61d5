#include "admin/opened_journal.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "stored/journal/directory_layout.hpp"

namespace homeward::admin {

namespace {

failure no_journal(const std::string& where) {
  return transient_failure(
      "there is no journal in " + where, {},
      "Name a partition of a store that runs with sync_mode journal, or its directory " +
          std::string(journal::journal_directory_name) + ".");
}

result<opened_journal> open_as(fs::file_system& files, std::string path) {
  auto directory = files.open_directory(path);
  if (!directory) {
    return fs::to_failure(directory.error(), path);
  }
  return opened_journal{std::move(path), std::move(*directory)};
}

bool holds_segments(fs::file_system& files, const fs::handle& directory) {
  const auto entries = files.list(directory);
  return entries && std::any_of(entries->begin(), entries->end(), [](const auto& e) {
           return e.name.starts_with(journal::segment_prefix) ||
                  e.name.starts_with(journal::parked_prefix);
         });
}

} // namespace

result<opened_journal> open_journal(fs::file_system& files, const std::string& where) {
  std::filesystem::path named = std::filesystem::absolute(where).lexically_normal();
  if (!named.has_filename()) { // ended with a slash
    named = named.parent_path();
  }
  auto given = open_as(files, named.string());
  if (!given) {
    return given;
  }
  if (files.status_at(given->directory, journal::journal_directory_name)) {
    return open_as(files, (named / journal::journal_directory_name).string());
  }
  if (files.status_at(given->directory, journal::journal_note_name)) {
    const auto note = read_whole(files, given->directory, std::string(journal::journal_note_name));
    if (!note) {
      return note.error();
    }
    return open_as(files, note->substr(0, note->find('\n')));
  }
  if (named.filename() == journal::journal_directory_name ||
      holds_segments(files, given->directory)) {
    return given;
  }
  return no_journal(named.string());
}

result<std::string> read_whole(fs::file_system& files, const fs::handle& directory,
                               const std::string& name) {
  const auto file = files.open_at(directory, name, fs::open_mode::read);
  if (!file) {
    return fs::to_failure(file.error(), name);
  }
  const auto status = files.status(*file);
  if (!status) {
    return fs::to_failure(status.error(), name);
  }
  std::string octets(static_cast<std::size_t>(status->size), '\0');
  const auto read = files.read(*file, 0, octets);
  if (!read) {
    return fs::to_failure(read.error(), name);
  }
  octets.resize(*read);
  return octets;
}

} // namespace homeward::admin
