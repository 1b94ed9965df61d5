#include "tests/unit/store_client/scripted_store.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "lib/base/random.hpp"

namespace homeward::tests {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

net::endpoint fresh() {
  return {.path = "/tmp/homeward-scripted-" + random_hex(8) + ".sock"};
}

// Gives out lines and counted octets from a stream.
class input {
 public:
  explicit input(net::stream& s) : stream_(s) {}

  asio::awaitable<bool> line(std::string& out) {
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n")) == std::string::npos) {
      const bool got = co_await more();
      if (!got) {
        co_return false;
      }
    }
    out = buffer_.substr(0, end);
    buffer_.erase(0, end + 2);
    co_return true;
  }

  asio::awaitable<bool> octets(std::size_t count, std::string& out) {
    while (buffer_.size() < count) {
      const bool got = co_await more();
      if (!got) {
        co_return false;
      }
    }
    out = buffer_.substr(0, count);
    buffer_.erase(0, count);
    co_return true;
  }

 private:
  asio::awaitable<bool> more() {
    char piece[4096];
    const auto got = co_await stream_.read_some(asio::buffer(piece), 60s);
    buffer_.append(piece, got.octets);
    co_return !got.error;
  }

  net::stream& stream_;
  std::string buffer_;
};

asio::awaitable<void> say(net::stream& to, std::string text) {
  (void)co_await to.write_all(asio::buffer(text), 10s);
}

} // namespace

scripted_store::scripted_store(asio::io_context& context)
    : where_(fresh()), listener_(*net::listener::open(context, where_, 0600)) {
  asio::co_spawn(context, listener_.run([this, &context](net::accepted a) {
    ++connections;
    auto peer = std::make_shared<net::stream>(std::move(a.socket), a.peer);
    peers_.push_back(peer);
    asio::co_spawn(context, serve(peer), asio::detached);
  }),
                 asio::detached);
}

scripted_store::~scripted_store() = default;

void scripted_store::stop() {
  listener_.close();
  cut_all();
}

void scripted_store::cut_all() {
  for (const auto& weak : peers_) {
    if (const auto peer = weak.lock()) {
      peer->cut();
    }
  }
}

asio::awaitable<void> scripted_store::serve(std::shared_ptr<net::stream> peer) {
  input in(*peer);
  received now;
  std::size_t size = 0;
  std::string line;
  while (co_await in.line(line)) {
    const std::string verb = line.substr(0, 4);
    ++asked[verb];
    if (const auto own = answers_.find(verb); own != answers_.end()) {
      co_await say(*peer, own->second);
      continue;
    }
    if (verb == "CAPA") {
      co_await say(*peer, "+OK [CAPA version=1] RSET NOOP PIPELINING RESULTS PARAMS LOAD\r\n");
      continue;
    }
    if (verb == "SIZE") {
      now = received();
      size = std::stoul(line.substr(5));
    } else if (verb == "NAME") {
      now.name = line.substr(5);
    } else if (verb == "PRTN") {
      now.partition = line.substr(5);
    } else if (verb == "RCPT") {
      now.recipients.push_back(line.substr(5));
    } else if (verb == "DATA") {
      // Two statements: gcc 12 miscompiles co_await behind a short-circuiting operator.
      const bool complete = co_await in.octets(size, now.message);
      if (!complete) {
        co_return;
      }
      const bool goes_on = co_await finish(*peer, now);
      if (!goes_on) {
        co_return;
      }
      continue;
    }
    co_await say(*peer, "+OK\r\n");
  }
}

asio::awaitable<bool> scripted_store::finish(net::stream& peer, received message) {
  messages.push_back(message);
  behaviour b;
  if (!script_.empty()) {
    b = script_.front();
    script_.pop_front();
  }
  if (b.hang) {
    char octet = 0;
    (void)co_await peer.read_some(asio::buffer(&octet, 1), 60s);
    co_return false;
  }
  std::string text = b.text;
  if (text.empty() && !b.hang_up) {
    for (std::size_t i = 0; i < message.recipients.size(); ++i) {
      const std::string& rcpt = message.recipients[i];
      text += "+OK [STORED name=" + message.name + "] " + rcpt.substr(0, rcpt.find(' ')) +
              " stored\r\n";
    }
  }
  co_await say(peer, text);
  if (b.hang_up) {
    peer.cut();
  }
  co_return !b.hang_up;
}

} // namespace homeward::tests
