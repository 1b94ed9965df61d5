#pragma once
// The socket on which libmilter accepts. Owned here, not by libmilter, for two reasons: a service
// manager may hold it, so that connections made during a restart wait instead of failing; and at a
// stop it must be free for the next process while the sessions of this one go on.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/io_context.hpp>

#include "lib/base/failure.hpp"
#include "lib/net/listener.hpp"
#include "lib/net/listener_settings.hpp"

namespace homeward::milter {

class listening_socket {
 public:
  // The socket that the service manager passed under the name "milter" (sd_listen_fds(3)), or else
  // one that is bound to the address of the settings.
  [[nodiscard]] static result<listening_socket> open(boost::asio::io_context& context,
                                                     const net::listener_settings& at);

  listening_socket(listening_socket&& other) noexcept;
  listening_socket& operator=(listening_socket&&) = delete;
  ~listening_socket();

  // What smfi_setconn() is given: "fd:7". Libmilter owns and closes that descriptor.
  [[nodiscard]] std::string for_libmilter() const;
  // "unix:/run/homeward/milter.sock", with a word more when it was passed to us.
  [[nodiscard]] const std::string& description() const { return description_; }

  // No new connections from now on, while libmilter goes on serving those it has. Our own unix
  // socket loses its path, and whoever got through before is still accepted. Elsewhere the
  // descriptor that libmilter watches is replaced by one on which nobody calls: connections to a
  // socket that was passed to us wait for the next process, those to a TCP address are refused.
  void hand_over();
  // Somebody has connected whom libmilter has not accepted yet.
  [[nodiscard]] bool somebody_waits() const;

 private:
  listening_socket(int fd, std::string description)
      : fd_(fd), description_(std::move(description)) {}
  void remove_path() const;

  int fd_; // libmilter's
  std::string description_;
  std::unique_ptr<net::listener> own_; // null: the service manager's
  std::string path_;                   // of our own unix socket
  std::uint64_t inode_ = 0;            // of that path: a successor may put its own there
};

} // namespace homeward::milter
