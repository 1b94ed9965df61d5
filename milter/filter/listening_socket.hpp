#pragma once
// The socket on which libmilter accepts. Owned here, not by libmilter, for two reasons: a service
// manager may hold it, so that connections made during a restart wait instead of failing; and at a
// stop it must be free for the next process while the sessions of this one go on.

#include <memory>
#include <string>

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

  // Puts a socket on which nobody ever calls in the place of the descriptor that libmilter watches:
  // it goes on serving its sessions and gets no new ones. Those that call from now on wait for
  // whoever holds the socket as well, or are refused when nobody does.
  void hand_over();

 private:
  listening_socket(int fd, std::string description, std::unique_ptr<net::listener> own);

  int fd_; // libmilter's
  std::string description_;
  std::unique_ptr<net::listener> own_; // null: the service manager's
};

} // namespace homeward::milter
