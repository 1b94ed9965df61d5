#pragma once
// A store for tests that answers each command as told, on a loopback port, in a thread of its own.

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace homeward::admin::testing {

class line_store {
 public:
  // Gives the reply to a command line (without CR LF): the text to send, "" to say nothing, or
  // "close". After "DATA" it is called once more with the message as the line.
  using script = std::function<std::string(const std::string& line)>;

  explicit line_store(script answer);
  line_store(const line_store&) = delete;
  line_store& operator=(const line_store&) = delete;
  ~line_store();

  [[nodiscard]] std::string endpoint() const { return "127.0.0.1:" + std::to_string(port_); }
  // All lines so far; messages are in it as they came.
  [[nodiscard]] std::vector<std::string> lines() const;

 private:
  void serve();
  void talk(int peer);

  script answer_;
  int listener_ = -1;
  unsigned short port_ = 0;
  std::atomic<bool> stop_ = false;
  mutable std::mutex mutex_; // guards lines_
  std::vector<std::string> lines_;
  std::thread thread_;
};

// A store that behaves well; `partition` is the one it has.
[[nodiscard]] line_store::script good_store(const std::string& partition);

} // namespace homeward::admin::testing
