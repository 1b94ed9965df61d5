#include "lib/net/io_threads.hpp"

#include <algorithm>
#include <cstdlib>
#include <exception>

#include "lib/base/log.hpp"

namespace homeward::net {

io_threads::io_threads(std::size_t count, io_sharing sharing)
    : count_(std::max<std::size_t>(count, 1)) {
  const bool shared = sharing == io_sharing::one_context;
  for (std::size_t i = 0; i < (shared ? 1 : count_); ++i) {
    contexts_.push_back(
        std::make_unique<boost::asio::io_context>(shared ? static_cast<int>(count_) : 1));
    work_.push_back(boost::asio::make_work_guard(*contexts_.back()));
  }
}

io_threads::~io_threads() {
  stop();
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

void io_threads::run_one_thread(std::size_t number) {
  try {
    contexts_[number % contexts_.size()]->run();
  } catch (const std::exception& e) {
    log::error("bug: an exception escaped a handler", {{"what", e.what()}});
    std::abort();
  }
}

void io_threads::run() {
  for (std::size_t i = 1; i < count_; ++i) {
    threads_.emplace_back([this, i] { run_one_thread(i); });
  }
  run_one_thread(0);
  for (std::thread& thread : threads_) {
    thread.join();
  }
  threads_.clear();
}

void io_threads::stop() {
  for (const auto& context : contexts_) {
    context->stop();
  }
}

} // namespace homeward::net
