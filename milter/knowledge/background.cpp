#include "milter/knowledge/background.hpp"

#include <exception>
#include <utility>

#include "lib/base/log.hpp"

namespace homeward::milter {

constexpr std::chrono::seconds pause_after_fault{10};

background::background(std::string name, look_function look)
    : name_(std::move(name)), look_(std::move(look)) {}

background::~background() {
  stop();
}

void background::start() {
  thread_ = std::thread([this] { run(); });
}

void background::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void background::look_soon() {
  {
    const std::lock_guard lock(mutex_);
    asked_ = true;
  }
  wake_.notify_all();
}

void background::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const bool asked = std::exchange(asked_, false);
    lock.unlock();
    const std::chrono::milliseconds pause = look_once(asked);
    lock.lock();
    wake_.wait_for(lock, pause, [this] { return stopping_ || asked_; });
  }
}

std::chrono::milliseconds background::look_once(bool asked) const {
  try {
    return look_(asked);
  } catch (const std::exception& e) {
    log::error("a look in the background failed", {{"look", name_}, {"error", e.what()}});
    return pause_after_fault;
  }
}

} // namespace homeward::milter
