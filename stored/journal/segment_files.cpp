#include "stored/journal/segment_files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "stored/journal/file_window.hpp"

namespace homeward::journal {

namespace {

constexpr std::size_t name_digits = 8;

bool is_segment_name(std::string_view name) {
  return name.size() == segment_prefix.size() + name_digits && name.starts_with(segment_prefix) &&
         name.substr(segment_prefix.size()).find_first_not_of("0123456789") ==
             std::string_view::npos;
}

failure newer_version(std::string_view name, const failure& why) {
  failure f = why;
  f.what = "the journal was written by a newer version";
  f.cause = fmt::format("{} at offset 0: {}", name, why.cause);
  return f;
}

result<std::string> first_block(fs::file_system& files, const fs::handle& segment,
                                std::string_view name) {
  std::string block(block_size, '\0');
  const auto octets = files.read(segment, 0, block);
  if (!octets) {
    return fs::to_failure(octets.error(), fmt::format("{} at offset 0", name));
  }
  block.resize(*octets);
  return block;
}

result<found_segment> look_at(fs::file_system& files, const fs::handle& segment,
                              std::string_view name) {
  found_segment found{.file = {.name = std::string(name)}};
  const auto status = files.status(segment);
  if (!status) {
    return fs::to_failure(status.error(), name);
  }
  found.file.size = status->size;
  const auto block = first_block(files, segment, name);
  if (!block) {
    return block.error();
  }
  if (block->empty()) { // a crash came between making the file and reserving its space
    return found;
  }
  auto header = decode_segment_header(*block);
  if (header) {
    found.file.header = std::move(*header);
    found.unreadable = found.file.header ? "" : "its header is empty";
    return found;
  }
  if (is_newer_format(*block)) {
    return newer_version(name, header.error());
  }
  found.unreadable = header.error().cause;
  return found;
}

// The first octets of every block where a group may begin.
result<void> for_each_block(fs::file_system& files, const fs::handle& directory,
                            const segment_file& segment,
                            const std::function<void(std::string_view)>& visit) {
  const auto file = files.open_at(directory, segment.name, fs::open_mode::read);
  if (!file) {
    return fs::to_failure(file.error(), segment.name);
  }
  file_window window(files, *file, segment.size);
  for (std::uint64_t at = block_size; at < segment.size; at += block_size) {
    const auto octets = window.at(at, group_header_size);
    if (!octets) {
      return fs::to_failure(octets.error(), fmt::format("{} at offset {}", segment.name, at));
    }
    visit(*octets);
  }
  return {};
}

} // namespace

result<std::vector<found_segment>> list_segments(fs::file_system& files,
                                                 const fs::handle& directory) {
  const auto entries = files.list(directory);
  if (!entries) {
    return fs::to_failure(entries.error(), "the journal directory");
  }
  std::vector<found_segment> found;
  for (const fs::directory_entry& entry : *entries) {
    if (!is_segment_name(entry.name)) {
      continue;
    }
    const auto file = files.open_at(directory, entry.name, fs::open_mode::read);
    if (!file && file.error() == ENOENT) { // a running store has given it back
      continue;
    }
    if (!file) {
      return fs::to_failure(file.error(), entry.name);
    }
    auto segment = look_at(files, *file, entry.name);
    if (!segment) {
      return segment.error();
    }
    found.push_back(std::move(*segment));
  }
  std::sort(found.begin(), found.end(), [](const found_segment& a, const found_segment& b) {
    return a.file.name < b.file.name;
  });
  return found;
}

result<std::optional<segment_header>>
read_segment_header(fs::file_system& files, const fs::handle& segment, std::string_view name) {
  const auto block = first_block(files, segment, name);
  if (!block) {
    return block.error();
  }
  return decode_segment_header(*block);
}

result<std::uint64_t> newest_group(fs::file_system& files, const fs::handle& directory,
                                   const segment_file& segment, const volume_id& volume) {
  std::uint64_t newest = 0;
  const auto looked = for_each_block(files, directory, segment, [&](std::string_view octets) {
    if (const auto group = decode_group_header(octets, volume)) {
      newest = std::max(newest, group->generation);
    }
  });
  return looked ? result<std::uint64_t>(newest) : looked.error();
}

result<bool> holds_any_group(fs::file_system& files, const fs::handle& directory,
                             const segment_file& segment) {
  bool any = false;
  const auto looked = for_each_block(files, directory, segment, [&](std::string_view octets) {
    any = any || begins_like_group(octets);
  });
  return looked ? result<bool>(any) : looked.error();
}

} // namespace homeward::journal
