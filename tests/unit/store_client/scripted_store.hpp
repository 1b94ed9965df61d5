#pragma once
// A store that behaves as told, for faults that a real one cannot be made to show: it speaks enough
// of the storage protocol to take transactions and then answers, hangs, lies or hangs up.

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "lib/net/listener.hpp"

namespace homeward::tests {

// What the store does when a message is complete. `text` is sent as it is; then it goes on or hangs
// up.
struct behaviour {
  std::string text; // empty: "+OK" for every recipient
  bool hang_up = false;
  bool hang = false; // never answers
};

class scripted_store {
 public:
  explicit scripted_store(boost::asio::io_context& context);
  ~scripted_store();

  [[nodiscard]] const net::endpoint& where() const { return where_; }
  // For the next complete messages, in order; afterwards all are answered "+OK".
  void next(behaviour b) { script_.push_back(std::move(b)); }
  // What a command is answered with, instead of the usual; an empty text: never.
  void answer(const std::string& verb, std::string text) { answers_[verb] = std::move(text); }
  void stop();
  void cut_all(); // the connections there are; new ones are taken

  struct received {
    std::string name;
    std::string partition;
    std::vector<std::string> recipients;
    std::string message;
  };
  std::vector<received> messages;
  std::size_t connections = 0;
  std::map<std::string, std::size_t> asked; // how often each verb came

 private:
  boost::asio::awaitable<void> serve(std::shared_ptr<net::stream> peer);
  boost::asio::awaitable<bool> finish(net::stream& peer, received message);

  net::endpoint where_;
  net::listener listener_;
  std::deque<behaviour> script_;
  std::map<std::string, std::string> answers_;
  std::vector<std::weak_ptr<net::stream>> peers_;
};

} // namespace homeward::tests
