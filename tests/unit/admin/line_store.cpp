#include "tests/unit/admin/line_store.hpp"

#include <arpa/inet.h>
#include <array>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

namespace homeward::admin::testing {

line_store::line_store(script answer) : answer_(std::move(answer)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  (void)::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
  (void)::listen(listener_, 8);
  (void)::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

line_store::~line_store() {
  stop_ = true;
  thread_.join();
  ::close(listener_);
}

std::vector<std::string> line_store::lines() const {
  const std::lock_guard lock(mutex_);
  return lines_;
}

void line_store::serve() {
  while (!stop_) {
    pollfd wait = {.fd = listener_, .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, 20) == 1) {
      const int peer = ::accept(listener_, nullptr, nullptr);
      talk(peer);
      ::close(peer);
    }
  }
}

void line_store::talk(int peer) {
  std::string unread;
  std::size_t body = 0;
  bool in_body = false;
  while (!stop_) {
    const auto end = unread.find('\n');
    std::string line;
    if (in_body && unread.size() >= body) {
      line = unread.substr(0, body);
      unread.erase(0, body);
      in_body = false;
    } else if (!in_body && end != std::string::npos) {
      line = unread.substr(0, end - 1);
      unread.erase(0, end + 1);
      if (line.starts_with("SIZE ")) {
        body = std::stoul(line.substr(5));
      }
      in_body = line == "DATA";
    } else {
      pollfd wait = {.fd = peer, .events = POLLIN, .revents = 0};
      if (::poll(&wait, 1, 20) == 1) {
        std::array<char, 4096> piece = {};
        const auto got = ::recv(peer, piece.data(), piece.size(), 0);
        if (got <= 0) {
          return;
        }
        unread.append(piece.data(), static_cast<std::size_t>(got));
      }
      continue;
    }
    {
      const std::lock_guard lock(mutex_);
      lines_.push_back(line);
    }
    const std::string reply = in_body ? "" : answer_(line);
    if (reply == "close") {
      return;
    }
    if (!reply.empty()) {
      (void)::send(peer, (reply + "\r\n").data(), reply.size() + 2, MSG_NOSIGNAL);
    }
  }
}

line_store::script good_store(const std::string& partition) {
  return [partition](const std::string& line) -> std::string {
    if (line.starts_with("CAPA")) {
      return "+OK [CAPA version=1] RSET NOOP PIPELINING RESULTS PARAMS LOAD SIZE=67108864 "
             "SERVER=homeward/9.9";
    }
    if (line.starts_with("NOOP")) {
      return "+OK [LOAD busy=12 sessions=3 free=1073741824 total=2147483648 version=9.9]";
    }
    if (line.starts_with("PRTN")) {
      return line == "PRTN " + partition
                 ? "+OK [PRTN free=1073741824 total=4294967296] partition " + partition
                 : "-ERR [NOPRTN] this store has no such partition";
    }
    if (line.starts_with("From:")) {
      return "+OK [STORED name=1700000000.first.mx1] stored";
    }
    return "+OK";
  };
}

} // namespace homeward::admin::testing
