#include "admin/mta/backup.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <sys/stat.h>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace homeward::admin::mta {

namespace {

namespace stdfs = std::filesystem;

constexpr const char* manifest_name = "manifest.json";
constexpr const char* staging_prefix = "staging.";

nlohmann::json to_json(const file_time& t) {
  return {{"seconds", t.seconds}, {"nanoseconds", t.nanoseconds}};
}

file_time time_from_json(const nlohmann::json& j) {
  return {j.at("seconds").get<std::int64_t>(), j.at("nanoseconds").get<std::int64_t>()};
}

nlohmann::json to_json(const backup& b) {
  nlohmann::json files = nlohmann::json::array();
  for (const auto& f : b.files) {
    files.push_back({{"path", f.path},
                     {"derived", f.derived},
                     {"before", mta::to_json(f.before)},
                     {"after", mta::to_json(f.after)}});
  }
  nlohmann::json touched = nlohmann::json::array();
  for (const auto& d : b.touched) {
    touched.push_back(
        {{"path", d.path}, {"before", to_json(d.before)}, {"after", to_json(d.after)}});
  }
  return {{"version", 1},
          {"name", b.name},
          {"state", name_of(b.state)},
          {"mta", b.mta == mta_kind::postfix ? "postfix" : "sendmail"},
          {"configuration", b.configuration},
          {"files", files},
          {"directories", b.directories},
          {"touched", touched}};
}

backup_state state_from(const std::string& name) {
  for (const auto state : {backup_state::applying, backup_state::applied,
                           backup_state::rolling_back, backup_state::rolled_back}) {
    if (name_of(state) == name) {
      return state;
    }
  }
  throw std::runtime_error(fmt::format("unknown state {}", name));
}

backup from_json(const nlohmann::json& j) {
  if (j.at("version").get<int>() != 1) {
    throw std::runtime_error("written by a newer homewardctl");
  }
  backup b;
  b.name = j.at("name").get<std::string>();
  b.state = state_from(j.at("state").get<std::string>());
  b.mta = j.at("mta").get<std::string>() == "postfix" ? mta_kind::postfix : mta_kind::sendmail;
  b.configuration = j.at("configuration").get<std::string>();
  b.directories = j.at("directories").get<std::vector<std::string>>();
  for (const auto& f : j.at("files")) {
    b.files.push_back({.path = f.at("path").get<std::string>(),
                       .derived = f.at("derived").get<bool>(),
                       .before = image_from_json(f.at("before")),
                       .after = image_from_json(f.at("after"))});
  }
  for (const auto& d : j.at("touched")) {
    b.touched.push_back({d.at("path").get<std::string>(), time_from_json(d.at("before")),
                         time_from_json(d.at("after"))});
  }
  return b;
}

failure damaged(const std::string& place, const std::string& why) {
  failure f =
      permanent_failure(failure_reason::perm, fmt::format("the backup {} is damaged", place), why);
  f.advice = "Nothing was changed. The files in it are named before.N and after.N in the order of "
             "its manifest.json; copy back by hand what is needed.";
  return f;
}

failure cannot_write(const std::string& place, const fs::io_error& e) {
  failure f = fs::to_failure(e, place);
  f.what = fmt::format("{} cannot be written", place);
  f.kind = failure_kind::permanent;
  f.advice = "Run it as root, or name another directory with `backups:` in the settings file.";
  return f;
}

// A file of our own in the backup: mode 0600, of whoever runs this.
file_image private_file(std::string text) {
  file_image image{.exists = true, .text = std::move(text), .attributes = {}};
  image.attributes.mode = 0600;
  image.attributes.uid = ::geteuid();
  image.attributes.gid = ::getegid();
  return image;
}

// A side of a saved file with its octets, checked against the manifest.
result<void> load_side(const std::string& place, const nlohmann::json& said, file_image& image) {
  if (!image.exists) {
    return {};
  }
  auto read = read_image(place);
  if (!read || !read->exists || hash_of(read->text) != said.at("sha256").get<std::string>()) {
    return damaged(place, read ? "the file is missing or its hash differs" : read.error().cause);
  }
  image.text = std::move(read->text);
  return {};
}

} // namespace

std::string name_of(backup_state state) {
  switch (state) {
  case backup_state::applying: return "applying";
  case backup_state::applied: return "applied";
  case backup_state::rolling_back: return "rolling_back";
  case backup_state::rolled_back: return "rolled_back";
  }
  return "applying";
}

result<fs::handle> backup_store::lock() {
  std::error_code error;
  stdfs::create_directories(directory_, error);
  ::chmod(directory_.c_str(), 0700);
  const auto directory = files_->open_directory(directory_);
  if (!directory) {
    return cannot_write(directory_, directory.error());
  }
  auto file = files_->open_at(*directory, "lock", fs::open_mode::create_new);
  if (!file && file.error().number == EEXIST) {
    file = files_->open_at(*directory, "lock", fs::open_mode::read_write);
  }
  if (!file) {
    return cannot_write(directory_ + "/lock", file.error());
  }
  if (const auto locked = files_->try_lock(*file); !locked) {
    return transient_failure("another `homewardctl mta` is at work",
                             fmt::format("it holds {}/lock", directory_),
                             "Wait until it has ended.");
  }
  for (const auto& entry : stdfs::directory_iterator(directory_, error)) {
    if (entry.path().filename().string().starts_with(staging_prefix)) {
      stdfs::remove_all(entry.path(), error);
    }
  }
  return std::move(*file);
}

result<std::string> backup_store::staging() {
  // MTAs walk down to their configuration with other accounts.
  std::string place = fmt::format("{}/{}{}", directory_, staging_prefix, ::getpid());
  std::error_code error;
  if (!stdfs::create_directory(place, error)) {
    return cannot_write(place, fs::io_error(error.value(), "mkdir"));
  }
  ::chmod(place.c_str(), 0755);
  return place;
}

result<void> backup_store::create(const backup& b) {
  const auto directory = files_->open_directory(directory_);
  if (!directory) {
    return cannot_write(directory_, directory.error());
  }
  if (const auto made = files_->make_directory_at(*directory, b.name); !made) {
    return cannot_write(place_of(b.name), made.error());
  }
  for (std::size_t i = 0; i < b.files.size(); ++i) {
    for (const auto& [side, image] :
         {std::pair<const char*, const file_image*>{"before", &b.files[i].before},
          {"after", &b.files[i].after}}) {
      if (image->exists) {
        const auto kept = write_image(*files_, fmt::format("{}/{}.{}", place_of(b.name), side, i),
                                      private_file(image->text), false);
        if (!kept) {
          return kept;
        }
      }
    }
  }
  if (const auto written = update(b); !written) {
    return written;
  }
  if (const auto synced = files_->sync_all(*directory); !synced) {
    return cannot_write(directory_, synced.error());
  }
  return {};
}

result<void> backup_store::update(const backup& b) {
  return write_image(*files_, place_of(b.name) + '/' + manifest_name,
                     private_file(to_json(b).dump(2) + '\n'), false);
}

result<backup> backup_store::read_manifest(const std::string& name) {
  const std::string place = place_of(name) + '/' + manifest_name;
  const auto manifest = read_image(place);
  if (!manifest) {
    return manifest.error();
  }
  if (!manifest->exists) {
    failure f =
        permanent_failure(failure_reason::perm, fmt::format("there is no backup {}", name), place);
    f.advice = "`homewardctl mta backups` lists them.";
    return f;
  }
  try {
    return from_json(nlohmann::json::parse(manifest->text));
  } catch (const std::exception& e) {
    return damaged(place, e.what());
  }
}

result<backup> backup_store::load(const std::string& name) {
  auto b = read_manifest(name);
  if (!b) {
    return b;
  }
  const auto manifest = read_image(place_of(name) + '/' + manifest_name);
  if (!manifest) {
    return manifest.error();
  }
  try {
    const auto said = nlohmann::json::parse(manifest->text).at("files");
    for (std::size_t i = 0; i < b->files.size(); ++i) {
      auto& f = b->files[i];
      const std::string at = place_of(name);
      if (auto side =
              load_side(fmt::format("{}/before.{}", at, i), said.at(i).at("before"), f.before);
          !side) {
        return side.error();
      }
      if (auto side = load_side(fmt::format("{}/after.{}", at, i), said.at(i).at("after"), f.after);
          !side) {
        return side.error();
      }
    }
  } catch (const std::exception& e) {
    return damaged(place_of(name), e.what());
  }
  return b;
}

result<std::vector<backup>> backup_store::list() {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : stdfs::directory_iterator(directory_, error)) {
    if (stdfs::exists(entry.path() / manifest_name, error)) {
      names.push_back(entry.path().filename().string());
    }
  }
  std::sort(names.begin(), names.end());
  std::vector<backup> found;
  for (const auto& name : names) {
    auto b = read_manifest(name);
    if (!b) {
      return b.error();
    }
    found.push_back(std::move(*b));
  }
  return found;
}

std::string backup_store::new_name() const {
  const auto now =
      std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
  const std::string time = fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(now));
  std::error_code error;
  std::string name = time;
  for (int i = 2; stdfs::exists(place_of(name), error); ++i) {
    name = fmt::format("{}.{:03}", time, i);
  }
  return name;
}

} // namespace homeward::admin::mta
