#include "admin/mta/file_image.hpp"

#include <array>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <fmt/format.h>

#include "lib/base/digest.hpp"

namespace homeward::admin::mta {

namespace {

std::string directory_of(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

std::string name_of(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

failure cannot(const char* what, const std::string& path, int error) {
  failure f = failure_from_errno(error, fmt::format("{} {}", what, path));
  f.kind = failure_kind::permanent;
  if (error == EACCES || error == EPERM) {
    f.advice = "Run it as root.";
  }
  return f;
}

std::map<std::string, std::string> read_extended(const std::string& path) {
  std::map<std::string, std::string> found;
  std::string names(65536, '\0');
  const auto length = ::listxattr(path.c_str(), names.data(), names.size());
  for (std::size_t at = 0; length > 0 && at < static_cast<std::size_t>(length);) {
    const std::string name(names.c_str() + at);
    std::string value(65536, '\0');
    const auto got = ::getxattr(path.c_str(), name.c_str(), value.data(), value.size());
    if (got >= 0) {
      found[name] = value.substr(0, static_cast<std::size_t>(got));
    }
    at += name.size() + 1;
  }
  return found;
}

// Owner before mode: a change of owner takes set-id bits away.
result<void> give_attributes(const fs::handle& file, const file_image& image, bool keep_time,
                             const std::string& path) {
  const int number = file.number();
  const auto& a = image.attributes;
  if (::fchown(number, a.uid, a.gid) != 0) {
    return cannot("changing the owner of", path, errno);
  }
  if (::fchmod(number, a.mode) != 0) {
    return cannot("changing the mode of", path, errno);
  }
  for (const auto& [name, value] : a.extended) {
    if (::fsetxattr(number, name.c_str(), value.data(), value.size(), 0) != 0) {
      return cannot(("setting the attribute " + name + " of").c_str(), path, errno);
    }
  }
  if (keep_time) {
    const std::array<timespec, 2> times{
        timespec{0, UTIME_OMIT},
        timespec{a.changed.seconds, static_cast<long>(a.changed.nanoseconds)}};
    if (::futimens(number, times.data()) != 0) {
      return cannot("setting the time of", path, errno);
    }
  }
  return {};
}

std::string hex(const std::string& octets) {
  std::string out;
  for (const char c : octets) {
    out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string from_hex(const std::string& digits) {
  std::string out;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    out += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  }
  return out;
}

} // namespace

std::string working_name(const std::string& path) {
  return directory_of(path) + "/.homeward-mta." + name_of(path);
}

std::string resolved(const std::string& path) {
  std::error_code error;
  const auto whole = std::filesystem::weakly_canonical(path, error);
  return error ? path : whole.string();
}

result<file_image> read_image(const std::string& path) {
  struct stat status {};
  file_image image;
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) {
      return image;
    }
    return cannot("reading", path, errno);
  }
  if (!S_ISREG(status.st_mode)) {
    return permanent_failure(failure_reason::perm, fmt::format("{} is no regular file", path));
  }
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file.is_open() || file.bad() ||
      text.str().size() != static_cast<std::size_t>(status.st_size)) {
    return cannot("reading", path, file.is_open() ? EIO : EACCES);
  }
  image.exists = true;
  image.text = text.str();
  image.attributes = {.mode = status.st_mode & 07777U,
                      .uid = status.st_uid,
                      .gid = status.st_gid,
                      .changed = {status.st_mtim.tv_sec, status.st_mtim.tv_nsec},
                      .extended = read_extended(path)};
  return image;
}

result<void> write_image(fs::file_system& files, const std::string& path, const file_image& image,
                         bool keep_time) {
  const auto directory = files.open_directory(directory_of(path));
  if (!directory) {
    return cannot("opening", directory_of(path), directory.error().number);
  }
  const std::string temporary = name_of(working_name(path));
  static_cast<void>(files.unlink_at(*directory, temporary));
  const auto file = files.open_at(*directory, temporary, fs::open_mode::create_new);
  if (!file) {
    return cannot("writing", working_name(path), file.error().number);
  }
  const std::array<std::string_view, 1> pieces{image.text};
  if (const auto written = files.write(*file, 0, pieces); !written) {
    return cannot("writing", working_name(path), written.error().number);
  }
  if (auto given = give_attributes(*file, image, keep_time, working_name(path)); !given) {
    return given;
  }
  if (const auto synced = files.sync_all(*file); !synced) {
    return cannot("syncing", working_name(path), synced.error().number);
  }
  const auto renamed =
      files.rename_at(*directory, temporary, *directory, name_of(path), fs::on_existing::replace);
  if (!renamed) {
    return cannot("renaming to", path, renamed.error().number);
  }
  if (const auto synced = files.sync_all(*directory); !synced) {
    return cannot("syncing", directory_of(path), synced.error().number);
  }
  return {};
}

result<void> remove_file(fs::file_system& files, const std::string& path) {
  const auto directory = files.open_directory(directory_of(path));
  if (!directory) {
    return directory.error().number == ENOENT
               ? result<void>{}
               : cannot("opening", directory_of(path), directory.error().number);
  }
  const auto removed = files.unlink_at(*directory, name_of(path));
  if (!removed && removed.error().number != ENOENT) {
    return cannot("removing", path, removed.error().number);
  }
  if (removed) {
    if (const auto synced = files.sync_all(*directory); !synced) {
      return cannot("syncing", directory_of(path), synced.error().number);
    }
  }
  return {};
}

file_time directory_time(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0
             ? file_time{status.st_mtim.tv_sec, status.st_mtim.tv_nsec}
             : file_time{};
}

void set_directory_time(const std::string& path, const file_time& time) {
  const std::array<timespec, 2> times{timespec{0, UTIME_OMIT},
                                      timespec{time.seconds, static_cast<long>(time.nanoseconds)}};
  // A convenience for those who compare trees: nothing depends on it.
  static_cast<void>(::utimensat(AT_FDCWD, path.c_str(), times.data(), 0));
}

std::string hash_of(const std::string& text) {
  sha256 digest;
  digest.update(text);
  return to_hex(digest.finish());
}

nlohmann::json to_json(const file_image& image) {
  if (!image.exists) {
    return {{"exists", false}};
  }
  const auto& a = image.attributes;
  nlohmann::json extended = nlohmann::json::object();
  for (const auto& [name, value] : a.extended) {
    extended[name] = hex(value);
  }
  return {{"exists", true},
          {"mode", fmt::format("{:04o}", a.mode)},
          {"uid", a.uid},
          {"gid", a.gid},
          {"seconds", a.changed.seconds},
          {"nanoseconds", a.changed.nanoseconds},
          {"extended", extended},
          {"sha256", hash_of(image.text)}};
}

file_image image_from_json(const nlohmann::json& j) {
  file_image image;
  image.exists = j.at("exists").get<bool>();
  if (!image.exists) {
    return image;
  }
  auto& a = image.attributes;
  a.mode = static_cast<std::uint32_t>(std::stoul(j.at("mode").get<std::string>(), nullptr, 8));
  a.uid = j.at("uid").get<std::uint32_t>();
  a.gid = j.at("gid").get<std::uint32_t>();
  a.changed = {j.at("seconds").get<std::int64_t>(), j.at("nanoseconds").get<std::int64_t>()};
  for (const auto& [name, value] : j.at("extended").items()) {
    a.extended[name] = from_hex(value.get<std::string>());
  }
  return image;
}

} // namespace homeward::admin::mta
