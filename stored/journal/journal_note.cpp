#include "stored/journal/journal_note.hpp"

#include <array>
#include <cerrno>

#include "lib/base/random.hpp"

#include "stored/journal/journal_table.hpp"

namespace homeward::journal {
namespace {
constexpr std::size_t longest_path = 4096;
}

std::string own_directory(const maildir::partition& where) {
  return where.path() + "/" + std::string(journal_directory_name);
}

result<journal_place> read_place(const maildir::partition& where) {
  journal_place place;
  fs::file_system& files = where.files();
  const auto own = files.status_at(where.root(), journal_directory_name);
  if (!own && !(own.error() == ENOENT)) {
    return fs::to_failure(own.error(), own_directory(where));
  }
  place.own = own.has_value();
  const auto note = files.open_at(where.root(), journal_note_name, fs::open_mode::read);
  if (!note && note.error() == ENOENT) {
    return place;
  }
  std::array<char, longest_path> text{};
  const auto read = note ? files.read(*note, 0, text) : fs::io_result<std::size_t>(note.error());
  if (!read) {
    return fs::to_failure(read.error(), journal_note_name);
  }
  const std::string_view all(text.data(), *read);
  const std::string_view line = all.substr(0, all.find('\n'));
  if (!line.starts_with('/')) {
    return transient_failure("the note that tells where the journal lies cannot be read",
                             where.path() + "/" + std::string(journal_note_name),
                             "It holds one line, the absolute path of the journal directory. "
                             "Correct it.");
  }
  place.noted = std::string(line);
  return place;
}

result<void> write_note(const maildir::partition& where, const std::string& directory) {
  fs::file_system& files = where.files();
  const std::string draft = std::string(journal_note_name) + "." + random_hex(4);
  const auto failed = [&](const fs::io_error& e) { return fs::to_failure(e, journal_note_name); };
  const auto file = files.open_at(where.root(), draft, fs::open_mode::create_new);
  if (!file) {
    return failed(file.error());
  }
  const std::string text = directory + "\n";
  const std::array<std::string_view, 1> pieces = {text};
  auto done = files.write(*file, 0, pieces);
  done = done ? files.sync_all(*file) : done;
  done = done ? files.rename_at(where.root(), draft, where.root(), journal_note_name,
                                fs::on_existing::replace)
              : done;
  done = done ? files.sync_all(where.root()) : done;
  if (!done) {
    (void)files.unlink_at(where.root(), draft);
    return failed(done.error());
  }
  return {};
}

result<void> remove_note(const maildir::partition& where) {
  fs::file_system& files = where.files();
  const auto gone = files.unlink_at(where.root(), journal_note_name);
  if (!gone && !(gone.error() == ENOENT)) {
    return fs::to_failure(gone.error(), journal_note_name);
  }
  return {};
}

} // namespace homeward::journal
