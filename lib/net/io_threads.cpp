#include "lib/net/io_threads.hpp"

#include <algorithm>
#include <cstdlib>
#include <exception>

#include "lib/base/log.hpp"

namespace homeward::net {

io_threads::io_threads(std::size_t count)
    : context_(static_cast<int>(std::max<std::size_t>(count, 1))),
      work_(boost::asio::make_work_guard(context_)), count_(std::max<std::size_t>(count, 1)) {}

io_threads::~io_threads() {
  stop();
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

void io_threads::run_one_thread() {
  try {
    context_.run();
  } catch (const std::exception& e) {
    log::error("bug: an exception escaped a handler", {{"what", e.what()}});
    std::abort();
  }
}

void io_threads::run() {
  for (std::size_t i = 1; i < count_; ++i) {
    threads_.emplace_back([this] { run_one_thread(); });
  }
  run_one_thread();
  for (std::thread& thread : threads_) {
    thread.join();
  }
  threads_.clear();
}

void io_threads::stop() {
  work_.reset();
  context_.stop();
}

} // namespace homeward::net
