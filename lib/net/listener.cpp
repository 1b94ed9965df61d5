#include "lib/net/listener.hpp"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "lib/base/log.hpp"

namespace homeward::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using local = asio::local::stream_protocol;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds pause_without_descriptors{100};

struct listener::state {
  state(asio::io_context& c, endpoint e)
      : context(c), where(std::move(e)), own(asio::make_strand(c)), tcp_acceptor(own),
        unix_acceptor(own) {}

  asio::io_context& context;
  endpoint where;
  asio::strand<asio::io_context::executor_type> own;
  tcp::acceptor tcp_acceptor;
  local::acceptor unix_acceptor;
  ino_t unix_inode = 0;
  bool closed = false;
};

namespace {

failure cannot_listen(const endpoint& where, const std::string& why, std::string advice) {
  return transient_failure("cannot listen on " + to_string(where), why, std::move(advice));
}

bool somebody_answers(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return false;
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
  // Only a refusal says that nobody listens: who may not even ask must not conclude that.
  const bool refused =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno == ECONNREFUSED;
  ::close(fd);
  return !refused;
}

ino_t inode_of(const std::string& path) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0 ? st.st_ino : 0;
}

// Makes place for a socket: takes away one that a killed daemon left, and nothing else.
result<void> clear_place(const endpoint& where) {
  struct stat st {};
  if (::lstat(where.path.c_str(), &st) != 0) {
    return {};
  }
  if (!S_ISSOCK(st.st_mode)) {
    return cannot_listen(where, "something that is no socket is in its place",
                         "Move it away, or choose another path.");
  }
  if (somebody_answers(where.path)) {
    return cannot_listen(where, "another process answers there", "Is the daemon running already?");
  }
  ::unlink(where.path.c_str());
  return {};
}

result<tcp::endpoint> numeric(const endpoint& where) {
  if (where.host == "*") {
    return tcp::endpoint(asio::ip::address_v6::any(), where.port);
  }
  boost::system::error_code error;
  const auto address =
      asio::ip::make_address(where.host == "localhost" ? "127.0.0.1" : where.host, error);
  if (error) {
    return cannot_listen(where, "the host is a name",
                         "Write a numeric address, localhost, or * for all addresses.");
  }
  return tcp::endpoint(address, where.port);
}

template <class Acceptor, class Endpoint>
boost::system::error_code bind_and_listen(Acceptor& acceptor, const Endpoint& at) {
  boost::system::error_code error;
  acceptor.open(at.protocol(), error);
  if (!error) {
    acceptor.set_option(asio::socket_base::reuse_address(true), error);
  }
  if (!error) {
    acceptor.bind(at, error);
  }
  if (!error) {
    acceptor.listen(asio::socket_base::max_listen_connections, error);
  }
  return error;
}

std::string peer_name(const tcp::endpoint& peer) {
  return to_string(endpoint{.host = peer.address().to_string(), .port = peer.port(), .path = {}});
}

accepted accepted_unix(stream_socket socket) {
  return {std::move(socket), "unix", {}, true};
}

accepted accepted_tcp(stream_socket socket, const tcp::endpoint& peer) {
  return {std::move(socket), peer_name(peer), peer.address(), false};
}

void log_refusal(const endpoint& where, const boost::system::error_code& error) {
  log::warning("cannot accept a connection",
               {{"listener", to_string(where)},
                {"error", error.message()},
                {"next", "if descriptors ran out, raise LimitNOFILE"}});
}

} // namespace

listener::listener(std::shared_ptr<state> s) : state_(std::move(s)) {}
listener::listener(listener&&) noexcept = default;
listener& listener::operator=(listener&&) noexcept = default;
listener::~listener() = default;

const endpoint& listener::where() const {
  return state_->where;
}

int listener::native_handle() {
  return state_->where.is_unix() ? state_->unix_acceptor.native_handle()
                                 : state_->tcp_acceptor.native_handle();
}

result<listener> listener::open(asio::io_context& context, const endpoint& where,
                                mode_t unix_mode) {
  auto s = std::make_shared<state>(context, where);
  if (!where.is_unix()) {
    const result<tcp::endpoint> at = numeric(where);
    if (!at) {
      return at.error();
    }
    if (const auto error = bind_and_listen(s->tcp_acceptor, *at)) {
      return cannot_listen(where, error.message(),
                           "See with 'ss -ltnp' who holds the port, or choose another.");
    }
    return listener(std::move(s));
  }
  if (const result<void> clear = clear_place(where); !clear) {
    return clear.error();
  }
  if (const auto error = bind_and_listen(s->unix_acceptor, local::endpoint(where.path))) {
    return cannot_listen(where, error.message(),
                         "The directory must exist and be writable by this daemon's user.");
  }
  if (::chmod(where.path.c_str(), unix_mode) != 0) {
    return cannot_listen(where, std::strerror(errno), "Check the owner of the directory.");
  }
  s->unix_inode = inode_of(where.path);
  return listener(std::move(s));
}

asio::awaitable<void> listener::run(std::function<void(accepted)> handle,
                                    std::function<asio::io_context&()> context_of_next) {
  const std::shared_ptr<state> s = state_;
  asio::steady_timer pause(s->own);
  while (!s->closed) {
    boost::system::error_code error;
    const auto session_strand = asio::make_strand(context_of_next ? context_of_next() : s->context);
    if (s->where.is_unix()) {
      auto [failed, socket] = co_await s->unix_acceptor.async_accept(session_strand, as_result);
      error = failed;
      if (!error) {
        handle(accepted_unix(std::move(socket)));
      }
    } else {
      auto [failed, socket] = co_await s->tcp_acceptor.async_accept(session_strand, as_result);
      error = failed;
      boost::system::error_code gone;
      const tcp::endpoint peer = error ? tcp::endpoint{} : socket.remote_endpoint(gone);
      if (!error && !gone) {
        handle(accepted_tcp(std::move(socket), peer));
      }
    }
    if (error && !s->closed) {
      log_refusal(s->where, error);
      pause.expires_after(pause_without_descriptors);
      co_await pause.async_wait(as_result);
    }
  }
}

void listener::close() {
  asio::post(state_->own, [s = state_] {
    if (std::exchange(s->closed, true)) {
      return;
    }
    // A successor may already have put its own socket on the path.
    if (s->where.is_unix() && inode_of(s->where.path) == s->unix_inode) {
      ::unlink(s->where.path.c_str());
    }
    boost::system::error_code ignored;
    s->tcp_acceptor.close(ignored);
    s->unix_acceptor.close(ignored);
  });
}

} // namespace homeward::net
