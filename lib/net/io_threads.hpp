#pragma once
// The threads on which all network coroutines of a daemon run. Every session lives on a strand of
// its own; blocking work belongs elsewhere. Either all threads share one io_context, for sessions
// that work on common connections, or each has its own, for sessions that have nothing in common:
// then no thread wakes another one for the next event.

#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

namespace homeward::net {

using strand = boost::asio::strand<boost::asio::io_context::executor_type>;

enum class io_sharing : unsigned char { one_context, context_each };

class io_threads {
 public:
  // `count` threads, at least one; they start with run().
  explicit io_threads(std::size_t count, io_sharing sharing = io_sharing::one_context);
  ~io_threads();
  io_threads(const io_threads&) = delete;
  io_threads& operator=(const io_threads&) = delete;

  // For what there is one of: listeners, signals.
  [[nodiscard]] boost::asio::io_context& context() { return *contexts_.front(); }
  // For the next session: the contexts take turns. Any thread.
  [[nodiscard]] boost::asio::io_context& next_context() {
    return *contexts_[next_++ % contexts_.size()];
  }
  [[nodiscard]] strand make_strand() { return boost::asio::make_strand(context().get_executor()); }

  // Runs until stop(); the calling thread is one of the threads. An exception that escapes a
  // handler is a bug: it is logged and ends the process.
  void run();
  // May be called from any thread, also from a handler.
  void stop();

 private:
  using work_guard = boost::asio::executor_work_guard<boost::asio::io_context::executor_type>;
  void run_one_thread(std::size_t number);

  std::size_t count_;
  std::vector<std::unique_ptr<boost::asio::io_context>> contexts_; // one, or one for each thread
  std::vector<work_guard> work_;
  std::atomic<std::size_t> next_{0};
  std::vector<std::thread> threads_;
};

} // namespace homeward::net
