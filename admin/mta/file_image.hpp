#pragma once
// A whole file with everything that `rollback` has to give back: octets, mode, owner, time of the
// last change, extended attributes (which hold access lists and security labels).

#include <cstdint>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "lib/base/failure.hpp"
#include "lib/fs/file_system.hpp"

namespace homeward::admin::mta {

struct file_time {
  std::int64_t seconds = 0; // since 1970
  std::int64_t nanoseconds = 0;

  friend bool operator==(const file_time&, const file_time&) = default;
};

struct file_attributes {
  std::uint32_t mode = 0644; // permission bits only
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  file_time changed;
  std::map<std::string, std::string> extended;
};

struct file_image {
  bool exists = false;
  std::string text;
  file_attributes attributes;
};

// The file behind `path`, through symbolic links; `exists` false when there is none. A failure when
// it is no regular file or cannot be read.
[[nodiscard]] result<file_image> read_image(const std::string& path);

// Puts the octets and attributes under `path` in one step: written and synced under another name in
// the same directory, then renamed. With `keep_time` the time of the last change is that of the
// image, else now. The directory must exist.
[[nodiscard]] result<void> write_image(fs::file_system& files, const std::string& path,
                                       const file_image& image, bool keep_time);
// Removes the file; one that is not there is fine.
[[nodiscard]] result<void> remove_file(fs::file_system& files, const std::string& path);
// The name under which write_image() works, next to `path`: left behind by a crash only.
[[nodiscard]] std::string working_name(const std::string& path);

// Time of the last change of a directory, and setting it.
[[nodiscard]] file_time directory_time(const std::string& path);
void set_directory_time(const std::string& path, const file_time& time);

// "path" with its symbolic links resolved as far as it exists.
[[nodiscard]] std::string resolved(const std::string& path);

// For the manifest of a backup; the octets themselves are not in it.
[[nodiscard]] std::string hash_of(const std::string& text);
[[nodiscard]] nlohmann::json to_json(const file_image& image);
// The attributes and `exists`; std::runtime_error or a JSON error when the document is damaged.
[[nodiscard]] file_image image_from_json(const nlohmann::json& j);

} // namespace homeward::admin::mta
