#pragma once
// Keeps what `elsewhere` says true: reads alias files, .forward folders and accounts in the
// background, again when they change, and keeps the last good state of each. What it cannot read
// it reports once, and again when it can.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "lib/base/failure.hpp"

#include "milter/knowledge/alias_settings.hpp"
#include "milter/knowledge/background.hpp"
#include "milter/knowledge/elsewhere.hpp"

namespace homeward::milter {

class alias_watch {
 public:
  // Reads everything once, so that the first question finds an answer; accounts come later, when
  // the name service has told them. Blocks; does not fail.
  explicit alias_watch(alias_settings s);
  ~alias_watch();
  alias_watch(const alias_watch&) = delete;
  alias_watch& operator=(const alias_watch&) = delete;

  // Starts the two threads: one for files, one for accounts.
  void start();
  void stop();

  // From now on these settings; looks at everything soon, and reads what has changed without
  // waiting for it to settle. Until then sources that both settings name keep what they had, and
  // new ones count as missing.
  void set(alias_settings s);

  // Any thread; a short lock.
  [[nodiscard]] std::shared_ptr<const elsewhere> now() const;

  // One look at the files, as the thread does it. For the thread and for tests.
  std::chrono::milliseconds look_at_files(bool asked);
  std::chrono::milliseconds look_at_accounts();

 private:
  // By which a changed file is noticed without reading it.
  struct stamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t modified = 0; // nanoseconds
    friend bool operator==(const stamp&, const stamp&) = default;
  };
  struct file_state {
    std::shared_ptr<const alias_names> names; // the last good ones; null: never read
    std::optional<stamp> read;                // of those
    std::optional<stamp> seen;                // at the last look
    std::string trouble;                      // as last reported
  };
  struct forward_state {
    std::shared_ptr<const name_set> names;
    std::string trouble;
  };
  using file_key = std::pair<std::string, alias_format>;

  [[nodiscard]] static result<stamp> stamp_of(const std::string& path);
  static void look_at(const alias_file& f, file_state& state, bool at_once);
  static void look_at(const std::string& pattern, forward_state& state);
  [[nodiscard]] alias_settings settings_now() const;
  void publish(const alias_settings& s);

  std::mutex look_mutex_; // one look at a time; guards files_ and forwards_
  std::map<file_key, file_state> files_;
  std::map<std::string, forward_state> forwards_;
  std::string account_trouble_; // of the account thread

  mutable std::mutex mutex_; // guards what follows; held only to copy or swap
  alias_settings settings_;
  std::shared_ptr<const name_set> accounts_;
  std::shared_ptr<const elsewhere> now_;

  background file_looks_;
  background account_looks_;
};

} // namespace homeward::milter
