#pragma once
// Drives one conversation over one stream: reads, lets it answer, writes. Decides nothing. Lives on
// the stream's strand.

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "lib/base/clock.hpp"
#include "lib/net/stream.hpp"

#include "milter/answering/conversation.hpp"

namespace homeward::milter::answering {

class connection {
 public:
  // `name` of the door is for the log: "policy". `idle` between two questions; a question that has
  // begun must be complete sooner.
  connection(net::stream stream, std::unique_ptr<conversation> talk, std::string name,
             std::chrono::seconds idle);

  // The whole connection. Keeps `self` alive until it is closed.
  [[nodiscard]] static boost::asio::awaitable<void> run(std::shared_ptr<connection> self);

  // For the task group, on the strand. What has arrived is answered first, and a question that has
  // begun may still be finished.
  void ask_to_finish();
  void cut();

 private:
  boost::asio::awaitable<void> converse();
  boost::asio::awaitable<bool> answer(std::size_t octets);
  boost::asio::awaitable<void> say_last_words();
  [[nodiscard]] std::chrono::nanoseconds read_limit();
  [[nodiscard]] bool should_end(const boost::system::error_code& error);

  net::stream stream_;
  std::unique_ptr<conversation> talk_;
  std::string name_;
  std::chrono::seconds idle_;
  std::optional<steady_time> question_began_; // empty: between two
  bool finishing_ = false;
  bool cut_ = false;
  std::array<char, 4096> buffer_; // thousands of connections are open and silent
  std::string unsent_;
};

} // namespace homeward::milter::answering
