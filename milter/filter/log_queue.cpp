#include "milter/filter/log_queue.hpp"

#include <thread>
#include <utility>

#include "lib/base/log.hpp"

namespace homeward::milter {

void log_queue::start() {
  std::thread([this] { run(); }).detach();
}

void log_queue::post(std::function<void()> write_line) {
  const std::lock_guard lock(mutex_);
  if (lines_.size() >= longest_) {
    ++left_out_;
    return;
  }
  lines_.push_back(std::move(write_line));
  changed_.notify_all();
}

void log_queue::flush(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [this] { return lines_.empty() && !writing_; });
}

void log_queue::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return !lines_.empty(); });
    const std::deque<std::function<void()>> batch = std::exchange(lines_, {});
    const std::size_t left_out = std::exchange(left_out_, 0);
    writing_ = true;
    lock.unlock();
    for (const std::function<void()>& write_line : batch) {
      write_line();
    }
    note_left_out(left_out);
    lock.lock();
    writing_ = false;
    changed_.notify_all();
  }
}

void log_queue::note_left_out(std::size_t count) {
  if (count != 0) {
    log::warning("log lines were left out",
                 {{"lines", count}, {"next", "see why the log is read so slowly"}});
  }
}

} // namespace homeward::milter
