#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "stored/journal/file_window.hpp"
#include "stored/journal/journal_index.hpp"

namespace homeward::journal {

namespace {

constexpr std::uint64_t piece = std::uint64_t{1} << 20U;

// Writes the octets [begin, end) of one file to another, or to itself, from `to_offset` on.
fs::io_result<void> copy(fs::file_system& files, const fs::handle& from, std::uint64_t begin,
                         std::uint64_t end, const fs::handle& to, std::uint64_t to_offset) {
  file_window window(files, from, end);
  for (std::uint64_t at = begin; at < end;) {
    const auto octets = window.at(at, std::min(piece, end - at));
    if (!octets) {
      return octets.error();
    }
    if (octets->empty()) {
      break;
    }
    const std::array<std::string_view, 1> pieces = {*octets};
    if (const auto written = files.write(to, to_offset + (at - begin), pieces); !written) {
      return written;
    }
    at += octets->size();
  }
  return files.sync_all(to);
}

// Under another name first: a crash leaves the whole copy or none.
fs::io_result<void> keep(fs::file_system& files, const fs::handle& directory,
                         const segment_file& segment, const scanned& torn,
                         const std::string& name) {
  const auto from = files.open_at(directory, segment.name, fs::open_mode::read);
  if (!from) {
    return from.error();
  }
  const std::string staged = "new-" + name;
  (void)files.unlink_at(directory, staged); // what an earlier attempt may have left
  const auto to = files.open_at(directory, staged, fs::open_mode::create_new);
  if (!to) {
    return to.error();
  }
  auto step = copy(files, *from, torn.bad_offset, torn.bad_offset + torn.bad_octets, *to, 0);
  if (step) {
    step = files.rename_at(directory, staged, directory, name, fs::on_existing::replace);
  }
  if (!step) {
    (void)files.unlink_at(directory, staged);
    return step;
  }
  return files.sync_all(directory);
}

} // namespace

result<void> secure_last_group(fs::file_system& files, const fs::handle& directory,
                               const journal_index& index) {
  if (index.live.empty()) {
    return {};
  }
  const segment_file& segment = index.live.back();
  const auto file = files.open_at(directory, segment.name, fs::open_mode::read_write);
  if (!file) {
    return fs::to_failure(file.error(), segment.name);
  }
  const auto safe = copy(files, *file, index.unproved, index.unproved_end, *file, index.unproved);
  if (!safe) {
    failure f = fs::to_failure(safe.error(), segment.name);
    f.what = "the journal cannot be made durable";
    f.advice = "Nothing that was acknowledged is lost. Look at dmesg and at the disk, then start "
               "again.";
    return f;
  }
  return {};
}

result<void> keep_torn_end(fs::file_system& files, const fs::handle& directory,
                           const journal_index& index) {
  if (!index.torn || index.torn->bad_octets == 0 || index.live.empty()) {
    return {};
  }
  const segment_file& segment = index.live.back();
  const std::string name =
      fmt::format("{}{}-{}", torn_prefix, segment.header->generation, index.torn->bad_offset);
  const auto there = files.status_at(directory, name);
  if (there || !(there.error() == ENOENT)) {
    return there ? result<void>() : fs::to_failure(there.error(), name);
  }
  if (const auto kept = keep(files, directory, segment, *index.torn, name); !kept) {
    return fs::to_failure(kept.error(), name);
  }
  return {};
}

} // namespace homeward::journal
