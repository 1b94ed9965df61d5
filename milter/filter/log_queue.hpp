#pragma once
// Log lines of callbacks, written by a thread of their own: whoever reads our standard error may be
// slow, and a callback must not wait for it.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>

namespace homeward::milter {

// Any thread. Its own thread never ends before the process: make it once and keep it.
class log_queue {
 public:
  explicit log_queue(std::size_t longest = 10'000) : longest_(longest) {}

  // Starts the thread; before that lines only gather.
  void start();
  // Has `write_line` called later, in order. Never waits: when `longest` lines wait already this
  // one is left out, and a line says how many were.
  void post(std::function<void()> write_line);
  // Waits until everything is written, at most this long.
  void flush(std::chrono::milliseconds patience);

 private:
  void run();
  void note_left_out(std::size_t count);

  const std::size_t longest_;
  std::mutex mutex_; // guards what follows; not held while a line is written
  std::condition_variable changed_;
  std::deque<std::function<void()>> lines_;
  std::size_t left_out_ = 0;
  bool writing_ = false;
};

} // namespace homeward::milter
