#pragma once
// A thread that looks at something again and again, for what must not be looked at when somebody
// waits for the answer: files, accounts, the directory as a whole.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace homeward::milter {

// start() and stop() are for the owner, look_soon() for any thread.
class background {
 public:
  // `look` runs on the thread and returns how long to wait until the next time. `asked` is true
  // when look_soon() was the reason. A look that throws is logged and repeated after 10 s.
  using look_function = std::function<std::chrono::milliseconds(bool asked)>;

  background(std::string name, look_function look);
  ~background(); // stops
  background(const background&) = delete;
  background& operator=(const background&) = delete;

  // The first look is at once.
  void start();
  // Waits for a look under way.
  void stop();
  void look_soon();

 private:
  void run();
  [[nodiscard]] std::chrono::milliseconds look_once(bool asked) const;

  const std::string name_;
  const look_function look_;
  std::mutex mutex_; // guards what follows
  std::condition_variable wake_;
  bool stopping_ = false;
  bool asked_ = false;
  std::thread thread_;
};

} // namespace homeward::milter
