#include "tests/bench/store_connection.hpp"

#include <cerrno>
#include <cstring>
#include <iterator>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace homeward::bench {

namespace {

// SIZE NAME PRTN FROM RCPT, and the result of the one recipient.
constexpr unsigned replies_of_a_transaction = 6;
constexpr std::string_view capa = "CAPA RESULTS PARAMS LOAD\r\n";

iovec piece(std::string_view octets) {
  return {const_cast<char*>(octets.data()), octets.size()};
}

[[noreturn]] void fail(std::string_view step) {
  throw std::runtime_error(fmt::format("{}: {}", step, std::strerror(errno)));
}

} // namespace

store_connection::store_connection(std::uint16_t port)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  // Loopback has no congestion: without the pacing and timers that a machine may have as default.
  ::setsockopt(fd_, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
    fail("no connection to the store");
  }
  std::string reply;
  if (::send(fd_, capa.data(), capa.size(), MSG_NOSIGNAL) < 0) {
    fail("CAPA");
  }
  while (!reply.ends_with("\n")) {
    const ssize_t n = ::recv(fd_, buffer_.data(), buffer_.size(), 0);
    if (n <= 0) {
      fail("no answer to CAPA");
    }
    reply.append(buffer_.data(), static_cast<std::size_t>(n));
  }
  if (!reply.starts_with("+OK [CAPA") || reply.find(" RESULTS") == std::string::npos) {
    throw std::runtime_error("the store answered CAPA with: " + reply);
  }
}

store_connection::~store_connection() {
  ::close(fd_);
}

void store_connection::begin(const message_mix& mix, std::uint64_t number,
                             std::string_view partition, std::string_view mailbox) {
  number_ = number;
  mix.write(number, message_);
  const std::string name = fmt::format("1800000000.{}.bench.example", mix.identity(number));
  envelope_.clear();
  fmt::format_to(std::back_inserter(envelope_),
                 "SIZE {}\r\nNAME {}\r\nPRTN {}\r\nFROM <sender@bench.example>\r\n"
                 "RCPT <{}> EPOCH=1\r\nDATA\r\n",
                 message_.size(), name, partition, mailbox);
  expected_ = "+OK [STORED name=" + name;
  unsent_ = {piece(envelope_), piece(message_.head), piece(message_.bulk), piece(message_.tail)};
  replies_ = 0;
  trouble_.clear();
  state_ = state::busy;
  began_ = bench_clock::now();
  push();
}

store_connection::state store_connection::proceed() {
  if (state_ != state::broken) {
    push();
  }
  while (state_ != state::broken) {
    const std::size_t room = buffer_.size() - filled_;
    const ssize_t n = ::recv(fd_, buffer_.data() + filled_, room, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
      break;
    }
    if (n <= 0) {
      broken("closed");
      break;
    }
    filled_ += static_cast<std::size_t>(n);
    std::string_view rest(buffer_.data(), filled_);
    for (std::size_t end = 0; (end = rest.find('\n')) != std::string_view::npos;) {
      on_line(rest.substr(0, end));
      rest.remove_prefix(end + 1);
    }
    filled_ = rest.size();
    std::memmove(buffer_.data(), rest.data(), filled_);
    // Less than there was room for: the next octets come with an event of their own.
    if (static_cast<std::size_t>(n) < room) {
      break;
    }
    if (filled_ == buffer_.size()) {
      broken("endless_line");
    }
  }
  return state_;
}

void store_connection::push() {
  std::size_t first = 0;
  while (first < unsent_.size() && unsent_[first].iov_len == 0) {
    ++first;
  }
  while (first < unsent_.size()) {
    msghdr header{};
    header.msg_iov = &unsent_[first];
    header.msg_iovlen = unsent_.size() - first;
    const ssize_t n = ::sendmsg(fd_, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) {
      return; // the socket is full; or broken, which recv() will tell, too
    }
    auto sent = static_cast<std::size_t>(n);
    for (; first < unsent_.size() && sent >= unsent_[first].iov_len; ++first) {
      sent -= unsent_[first].iov_len;
      unsent_[first].iov_len = 0;
    }
    if (first < unsent_.size()) {
      unsent_[first].iov_base = static_cast<char*>(unsent_[first].iov_base) + sent;
      unsent_[first].iov_len -= sent;
    }
  }
}

void store_connection::on_line(std::string_view line) {
  if (state_ == state::broken) {
    return;
  }
  if (state_ != state::busy) {
    broken("out_of_step");
    return;
  }
  if (!line.starts_with("+OK") && trouble_.empty()) {
    const std::size_t open = line.find('[');
    trouble_ = open == std::string_view::npos
                   ? "TEMP"
                   : std::string(line.substr(open + 1, line.find_first_of(" ]", open) - open - 1));
  }
  if (++replies_ == replies_of_a_transaction) {
    on_result(line);
  }
}

void store_connection::on_result(std::string_view line) {
  if (unsent_.back().iov_len != 0) {
    broken("answered_early");
  } else if (!trouble_.empty()) {
    state_ = state::refused;
  } else if (!line.starts_with(expected_) || line.find(" repeat=") != std::string_view::npos) {
    broken("answer_to_another");
  } else {
    state_ = state::accepted;
  }
}

void store_connection::broken(std::string why) {
  state_ = state::broken;
  trouble_ = std::move(why);
}

} // namespace homeward::bench
