#include "stored/quota/usage_count.hpp"

#include <cerrno>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "lib/base/escape.hpp"

namespace homeward::stored {
namespace {

using entries = std::vector<fs::directory_entry>;

// The name of a message without sizes and flags, which readers change.
std::string_view base_of(std::string_view file_name) {
  return file_name.substr(0, file_name.find_first_of(",:"));
}

class counting {
 public:
  explicit counting(const maildir::partition& where) : files_(where.files()), where_(where) {}

  fs::io_result<void> folder(const std::string& path, const names_left_out& left_out) {
    // new/ first: what a reader moves to cur/ meanwhile is then met twice, not missed.
    const auto fresh = list(path + "/new");
    if (!fresh) {
      return fresh.error();
    }
    const auto seen = list(path + "/cur");
    if (!seen) {
      return seen.error();
    }
    std::unordered_set<std::string> skipped;
    if (left_out) {
      skipped = left_out();
    }
    if (const auto added = add(*fresh, skipped); !added) {
      return added.error();
    }
    for (const fs::directory_entry& entry : fresh->found) {
      skipped.emplace(base_of(entry.name));
    }
    return add(*seen, skipped);
  }

  fs::io_result<std::vector<std::string>> subfolders(const std::string& path) {
    const auto all = list(path);
    if (!all) {
      return all.error();
    }
    std::vector<std::string> names;
    for (const fs::directory_entry& entry : all->found) {
      if (entry.kind == fs::entry_kind::directory && entry.name.starts_with('.')) {
        names.push_back(entry.name);
      }
    }
    return names;
  }

  [[nodiscard]] const mailbox_content& content() const { return content_; }

 private:
  struct listed {
    fs::handle directory;
    entries found;
  };

  // Empty when the directory is not there.
  fs::io_result<listed> list(const std::string& path) {
    auto opened = files_.open_at(where_.root(), path, fs::open_mode::directory);
    if (!opened) {
      return opened.error() == ENOENT ? fs::io_result<listed>(listed{}) : opened.error();
    }
    auto found = files_.list(*opened);
    if (!found) {
      return found.error() == ENOENT ? fs::io_result<listed>(listed{}) : found.error();
    }
    return listed{std::move(*opened), std::move(*found)};
  }

  fs::io_result<void> add(const listed& in, const std::unordered_set<std::string>& skipped) {
    for (const fs::directory_entry& entry : in.found) {
      if (entry.kind != fs::entry_kind::file || entry.name.starts_with('.') ||
          (!skipped.empty() && skipped.contains(std::string(base_of(entry.name))))) {
        continue;
      }
      std::optional<std::uint64_t> size = size_in_name(entry.name);
      if (!size) {
        const auto status = files_.status_at(in.directory, entry.name);
        if (!status && status.error() == ENOENT) {
          continue;
        }
        if (!status) {
          return status.error();
        }
        size = status->size;
      }
      content_.octets += *size;
      ++content_.messages;
    }
    return {};
  }

  fs::file_system& files_;
  const maildir::partition& where_;
  mailbox_content content_;
};

} // namespace

std::optional<std::uint64_t> size_in_name(std::string_view file_name) {
  const std::size_t flags = file_name.find(':');
  const std::string_view name = file_name.substr(0, flags);
  const std::size_t at = name.find(",S=");
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view digits = name.substr(at + 3);
  std::uint64_t size = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, size);
  // More than any file can have is a name that somebody made up.
  constexpr std::uint64_t largest = std::uint64_t{1} << 62U;
  const bool whole = error == std::errc{} && (stopped == end || *stopped == ',');
  return whole && size < largest ? std::optional(size) : std::nullopt;
}

result<mailbox_content> count_usage(const maildir::partition& where, std::string_view mailbox,
                                    const names_left_out& left_out) {
  const auto path = where.paths().expand(mailbox);
  if (!path) {
    return path.error();
  }
  counting c(where);
  const auto fail = [&](const fs::io_error& e) { return fs::to_failure(e, escape(*path)); };
  if (const auto inbox = c.folder(*path, left_out); !inbox) {
    return fail(inbox.error());
  }
  const auto subfolders = c.subfolders(*path);
  if (!subfolders) {
    return fail(subfolders.error());
  }
  for (const std::string& name : *subfolders) {
    if (const auto counted = c.folder(*path + "/" + name, {}); !counted) {
      return fail(counted.error());
    }
  }
  return c.content();
}

} // namespace homeward::stored
