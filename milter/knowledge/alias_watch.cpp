#include "milter/knowledge/alias_watch.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <sys/stat.h>
#include <system_error>

#include <fmt/format.h>

#include "lib/base/log.hpp"

#include "milter/knowledge/accounts.hpp"
#include "milter/knowledge/forward_files.hpp"

namespace homeward::milter {

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t largest_alias_file = 256ULL << 20U;
constexpr std::chrono::milliseconds look_at_accounts_every = 60s;
// Looking takes at most this part of the time, however large the folders are.
constexpr int rest_for_each_look = 10;

failure cannot_read(const std::string& path, const std::string& why) {
  return transient_failure(fmt::format("cannot read {}", path), why,
                           "Make it readable for the user of homeward-milter, or take it out of "
                           "the setting aliases.files.");
}

result<std::string> content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(in), {}};
  if (!in.is_open() || in.bad()) {
    return cannot_read(path, std::generic_category().message(errno == 0 ? EIO : errno));
  }
  return content;
}

void report(const alias_file& f, const alias_names& names) {
  log::notice("alias file read", {{"file", f.path}, {"names", names.size()}});
  if (names.problem_count != 0) {
    log::warning("alias file has lines that are no entries",
                 {{"file", f.path},
                  {"lines", names.problem_count},
                  {"first", fmt::format("line {} {}", names.problems.front().line,
                                        names.problems.front().what)},
                  {"next", "correct them; the MTA leaves them out as well"}});
  }
}

// Says it once, and once more when it has passed.
template <class T>
void note_trouble(std::string& reported, const std::string& source, const result<T>& outcome) {
  const std::string now = outcome ? "" : describe(outcome.error());
  if (now == reported) {
    return;
  }
  if (!outcome) {
    log::error("cannot read a source of aliases", {{"source", source}, {"error", now}});
  } else {
    log::notice("source of aliases can be read again", {{"source", source}});
  }
  reported = now;
}

} // namespace

alias_watch::alias_watch(alias_settings s)
    : settings_(std::move(s)), now_(std::make_shared<elsewhere>()),
      file_looks_("alias files", [this](bool asked) { return look_at_files(asked); }),
      account_looks_("accounts", [this](bool /*asked*/) { return look_at_accounts(); }) {
  look_at_files(true);
}

alias_watch::~alias_watch() {
  stop();
}

void alias_watch::start() {
  file_looks_.start();
  account_looks_.start();
}

void alias_watch::stop() {
  file_looks_.stop();
  account_looks_.stop();
}

void alias_watch::set(alias_settings s) {
  {
    const std::lock_guard lock(mutex_);
    settings_ = std::move(s);
  }
  file_looks_.look_soon();
  account_looks_.look_soon();
}

std::shared_ptr<const elsewhere> alias_watch::now() const {
  const std::lock_guard lock(mutex_);
  return now_;
}

alias_settings alias_watch::settings_now() const {
  const std::lock_guard lock(mutex_);
  return settings_;
}

std::chrono::milliseconds alias_watch::look_at_files(bool asked) {
  const std::lock_guard looking(look_mutex_);
  const alias_settings s = settings_now();
  const auto begin = std::chrono::steady_clock::now();
  for (const alias_file& f : s.files) {
    file_state& state = files_[{f.path, f.format}];
    look_at(f, state, asked || !state.names);
  }
  for (const std::string& pattern : s.forward_files) {
    look_at(pattern, forwards_[pattern]);
  }
  publish(s);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - begin);
  return std::max(s.look_every, took * rest_for_each_look);
}

std::chrono::milliseconds alias_watch::look_at_accounts() {
  if (!settings_now().accounts) {
    return look_at_accounts_every;
  }
  result<name_set> listed = list_accounts();
  note_trouble(account_trouble_, "accounts", listed);
  if (listed) {
    const std::lock_guard lock(mutex_);
    accounts_ = std::make_shared<const name_set>(std::move(*listed));
  }
  const std::lock_guard looking(look_mutex_);
  publish(settings_now());
  return look_at_accounts_every;
}

result<alias_watch::stamp> alias_watch::stamp_of(const std::string& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) {
    return cannot_read(path, std::generic_category().message(errno));
  }
  if (!S_ISREG(st.st_mode)) {
    return cannot_read(path, "it is no file");
  }
  const auto size = static_cast<std::uint64_t>(st.st_size);
  if (size > largest_alias_file) {
    return cannot_read(path, "it is larger than 256 MiB");
  }
  return stamp{.device = st.st_dev,
               .inode = st.st_ino,
               .size = size,
               .modified = st.st_mtim.tv_sec * 1'000'000'000 + st.st_mtim.tv_nsec};
}

// A file that has just changed may be half written: it is read when two looks saw it the same, or
// `at_once`.
void alias_watch::look_at(const alias_file& f, file_state& state, bool at_once) {
  const result<stamp> is = stamp_of(f.path);
  if (!is) {
    note_trouble(state.trouble, f.path, is);
    state.seen.reset();
    return;
  }
  const bool settled = state.seen == *is;
  state.seen = *is;
  if (state.read == *is) {
    note_trouble(state.trouble, f.path, is);
    return;
  }
  if (!settled && !at_once) {
    return;
  }
  const result<std::string> content = content_of(f.path);
  note_trouble(state.trouble, f.path, content);
  if (!content) {
    return;
  }
  state.names = std::make_shared<const alias_names>(parse_alias_names(*content, f.format));
  state.read = *is;
  report(f, *state.names);
}

void alias_watch::look_at(const std::string& pattern, forward_state& state) {
  result<name_set> found = find_forward_files(pattern);
  note_trouble(state.trouble, pattern, found);
  if (found) {
    state.names = std::make_shared<const name_set>(std::move(*found));
  }
}

void alias_watch::publish(const alias_settings& s) {
  auto next = std::make_shared<elsewhere>();
  const auto take = [&next](const auto& names, auto& into, const std::string& source) {
    if (names) {
      into.push_back(names);
    } else {
      next->missing.push_back(source);
    }
  };
  for (const alias_file& f : s.files) {
    take(files_[{f.path, f.format}].names, next->tables, f.path);
  }
  for (const std::string& pattern : s.forward_files) {
    take(forwards_[pattern].names, next->forwards, pattern);
  }
  const std::lock_guard lock(mutex_);
  if (s.accounts) {
    next->accounts = accounts_;
    if (!accounts_) {
      next->missing.emplace_back("accounts");
    }
  }
  if (s.when_unreadable == without_aliases::ignore) {
    next->missing.clear();
  }
  now_ = std::move(next);
}

} // namespace homeward::milter
