#pragma once
// The threads on which all network coroutines of a daemon run: one io_context, several threads.
// Every session lives on a strand of its own; blocking work belongs elsewhere.

#include <cstddef>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

namespace homeward::net {

using strand = boost::asio::strand<boost::asio::io_context::executor_type>;

class io_threads {
 public:
  // `count` threads, at least one; they start with run().
  explicit io_threads(std::size_t count);
  ~io_threads();
  io_threads(const io_threads&) = delete;
  io_threads& operator=(const io_threads&) = delete;

  [[nodiscard]] boost::asio::io_context& context() { return context_; }
  [[nodiscard]] strand make_strand() { return boost::asio::make_strand(context_.get_executor()); }

  // Runs until stop(); the calling thread is one of the threads. An exception that escapes a
  // handler is a bug: it is logged and ends the process.
  void run();
  // May be called from any thread, also from a handler.
  void stop();

 private:
  void run_one_thread();

  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::size_t count_;
  std::vector<std::thread> threads_;
};

} // namespace homeward::net
