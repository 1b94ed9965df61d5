#pragma once
// Keeps a daemon's replica current: a thread that refreshes it from the engine, logs when the
// directory goes away and comes back, and keeps the last good state on disk if the settings name a
// file for it.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "lib/base/clock.hpp"
#include "lib/directory/engine.hpp"
#include "lib/directory/replica.hpp"
#include "lib/directory/settings.hpp"
#include "lib/fs/file_system.hpp"

namespace homeward::directory {

// Owns the replica and the engine. Everything but the constructor and stop() is safe from any
// thread.
class follower {
 public:
  // Fills the replica from the engine, or else from the replica file, or else leaves it empty,
  // which means "try later" for every recipient until the engine is there. Does not fail. `clock`
  // and `disk` must outlive the follower.
  follower(const settings& s, std::unique_ptr<engine> source, const clock_source& clock,
           fs::file_system& disk);
  ~follower(); // stops
  follower(const follower&) = delete;
  follower& operator=(const follower&) = delete;

  // Starts the thread that refreshes at the interval of the settings.
  void start();
  // Ends the thread and saves the state. Waits for a refresh under way.
  void stop();

  [[nodiscard]] const replica& directory() const { return replica_; }
  [[nodiscard]] replica_view view() const { return replica_.view(); }

  // Asks for a refresh now, without waiting for it (a store answered MOVED; SIGHUP).
  void refresh_soon();

  // The last failure of the engine, while it is away.
  [[nodiscard]] std::optional<failure> trouble() const;

 private:
  void run();
  void refresh();
  void save_if_due(bool at_end);
  void note(std::optional<failure> trouble);

  const settings settings_;
  const std::unique_ptr<engine> engine_; // used by the constructor, then by the thread only
  const clock_source& clock_;
  fs::file_system& disk_;
  replica replica_;

  mutable std::mutex mutex_; // guards what follows
  std::condition_variable wake_;
  bool stopping_ = false;
  bool asked_ = false;
  std::optional<failure> trouble_;

  std::thread thread_;
  // Of the thread, and of stop() after it: what was last saved.
  position saved_ = {};
  steady_time saved_at_{};
};

} // namespace homeward::directory
