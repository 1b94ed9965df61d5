#include "lib/mta_queue/queue_directory.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fnmatch.h>

#include "lib/base/escape.hpp"

namespace homeward::mta_queue {

namespace {

failure cannot_open(std::string_view path, const fs::io_error& e) {
  failure f = fs::to_failure(e, path);
  f.what = "the queue directory " + escape(path, 400) + " cannot be opened";
  if (e == ENOENT) {
    f.advice = "Look at the path; sendmail never makes queue directories itself.";
  } else if (e == EACCES || e == EPERM) {
    f.advice = "Run it as root, or as the account that owns the queue.";
  } else if (e == ENOTDIR) {
    f.advice = "It is a file. Name the directory that holds the qf files or the directories qf/, "
               "df/ and xf/.";
  } else {
    f.advice = "Look at the directory and at the disk (dmesg), then try again.";
  }
  return f;
}

bool has_wildcard(std::string_view text) {
  return text.find_first_of("*?[") != std::string_view::npos;
}

// One component of a pattern applied to the directories found so far.
result<std::vector<std::string>> matching(fs::file_system& files,
                                          const std::vector<std::string>& above,
                                          const std::string& component) {
  std::vector<std::string> found;
  for (const std::string& path : above) {
    const std::string prefix = path == "/" ? path : path + '/';
    if (!has_wildcard(component)) {
      found.push_back(prefix + component);
      continue;
    }
    const auto directory = files.open_directory(path);
    if (!directory) {
      if (directory.error() == ENOENT || directory.error() == ENOTDIR) {
        continue;
      }
      return cannot_open(path, directory.error());
    }
    const auto entries = files.list(*directory);
    if (!entries) {
      return cannot_open(path, entries.error());
    }
    for (const fs::directory_entry& entry : *entries) {
      if (entry.kind != fs::entry_kind::file &&
          ::fnmatch(component.c_str(), entry.name.c_str(), FNM_PERIOD) == 0) {
        found.push_back(prefix + entry.name);
      }
    }
  }
  return found;
}

} // namespace

result<queue_directory> queue_directory::open(fs::file_system& files,
                                              std::string_view absolute_path) {
  queue_directory opened;
  opened.path_ = absolute_path;
  auto root = files.open_directory(absolute_path);
  if (!root) {
    return cannot_open(absolute_path, root.error());
  }
  opened.root_ = std::move(*root);
  struct part {
    const char* name;
    fs::handle queue_directory::*where;
  };
  constexpr std::array<part, 3> parts = {{{"qf", &queue_directory::qf_},
                                          {"df", &queue_directory::df_},
                                          {"xf", &queue_directory::xf_}}};
  for (const part& p : parts) {
    auto below = files.open_at(opened.root_, p.name, fs::open_mode::directory);
    if (below) {
      opened.*p.where = std::move(*below);
    } else if (below.error().number != ENOENT && below.error().number != ENOTDIR) {
      return cannot_open(opened.path_ + '/' + p.name, below.error());
    }
  }
  return opened;
}

const fs::handle& queue_directory::place_of(file_kind kind) const {
  switch (kind) {
  case file_kind::data: return data();
  case file_kind::transcript: return transcripts();
  default: return envelopes();
  }
}

std::string queue_directory::path_of(file_kind kind, std::string_view id) const {
  const fs::handle& place = place_of(kind);
  std::string path = path_;
  if (&place == &qf_) {
    path += "/qf";
  } else if (&place == &df_) {
    path += "/df";
  } else if (&place == &xf_) {
    path += "/xf";
  }
  return path + '/' + name_of(kind, id);
}

fs::io_result<queue_listing> queue_directory::list(fs::file_system& files) const {
  queue_listing found;
  std::vector<const fs::handle*> places = {&root_};
  for (const fs::handle* place : {&qf_, &df_, &xf_}) {
    if (place->is_open()) {
      places.push_back(place);
    }
  }
  for (const fs::handle* place : places) {
    const auto entries = files.list(*place);
    if (!entries) {
      return entries.error();
    }
    for (const fs::directory_entry& entry : *entries) {
      const file_name name = parse_file_name(entry.name);
      const bool is_part = place == &root_ && entry.kind == fs::entry_kind::directory &&
                           (entry.name == "qf" || entry.name == "df" || entry.name == "xf");
      // A file in the wrong place is one that sendmail does not see.
      if (name.kind == file_kind::other || &place_of(name.kind) != place) {
        found.others += is_part ? 0 : 1;
        continue;
      }
      std::vector<std::string>* into = nullptr;
      switch (name.kind) {
      case file_kind::envelope: into = &found.envelopes; break;
      case file_kind::quarantined: into = &found.quarantined; break;
      case file_kind::lost: into = &found.lost; break;
      case file_kind::data: into = &found.data; break;
      case file_kind::temporary: into = &found.temporary; break;
      case file_kind::transcript:
      case file_kind::other: into = &found.transcripts; break;
      }
      into->emplace_back(name.id);
    }
  }
  for (auto* ids : {&found.envelopes, &found.quarantined, &found.lost, &found.data,
                    &found.temporary, &found.transcripts}) {
    std::sort(ids->begin(), ids->end());
  }
  return found;
}

result<std::vector<std::string>> expand_pattern(fs::file_system& files, std::string_view pattern) {
  if (pattern.empty() || pattern.front() != '/') {
    failure f = permanent_failure(failure_reason::syntax,
                                  "\"" + escape(pattern, 200) + "\" is no absolute path");
    f.advice = "Write it as /var/spool/mqueue or '/var/spool/mqueue/q*'.";
    return f;
  }
  std::vector<std::string> found = {"/"};
  std::string_view rest = pattern;
  while (!rest.empty()) {
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    const std::string component(rest.substr(0, slash));
    rest.remove_prefix(std::min(slash + 1, rest.size()));
    if (component.empty()) {
      continue;
    }
    auto below = matching(files, found, component);
    if (below.has_error()) {
      return below.error();
    }
    found = std::move(*below);
  }
  if (has_wildcard(pattern)) {
    std::erase_if(found, [&](const std::string& path) { return !files.open_directory(path); });
  }
  std::sort(found.begin(), found.end());
  if (found.empty()) {
    failure f =
        permanent_failure(failure_reason::perm, "no directory matches " + escape(pattern, 400));
    f.advice = "Look at the path, and put the pattern in quotes so that the shell leaves it alone.";
    return f;
  }
  return found;
}

result<std::vector<queue_directory>> open_pattern(fs::file_system& files,
                                                  std::string_view pattern) {
  const auto paths = expand_pattern(files, pattern);
  if (paths.has_error()) {
    return paths.error();
  }
  std::vector<queue_directory> opened;
  for (const std::string& path : *paths) {
    auto one = queue_directory::open(files, path);
    if (one.has_error()) {
      return one.error();
    }
    opened.push_back(std::move(*one));
  }
  return opened;
}

fs::io_result<std::string> read_whole(fs::file_system& files, const fs::handle& file,
                                      std::uint64_t limit) {
  const auto status = files.status(file);
  if (!status) {
    return status.error();
  }
  if (status->size > limit) {
    return fs::io_error{EFBIG, "read"};
  }
  std::string text(status->size, '\0');
  const auto count = files.read(file, 0, text);
  if (!count) {
    return count.error();
  }
  text.resize(*count);
  return text;
}

} // namespace homeward::mta_queue
