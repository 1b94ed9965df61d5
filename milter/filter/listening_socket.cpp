#include "milter/filter/listening_socket.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include "lib/base/log.hpp"

namespace homeward::milter {

namespace {

constexpr std::string_view passed_name = "milter";

failure no_descriptor() {
  return transient_failure("cannot listen for milter connections",
                           std::generic_category().message(errno),
                           "If descriptors ran out, raise LimitNOFILE.");
}

// The descriptor that the service manager passed for this door.
std::optional<int> passed_socket() {
  char** names = nullptr;
  const int count = ::sd_listen_fds_with_names(0, &names);
  std::optional<int> found;
  for (int i = 0; i < count; ++i) {
    if (names != nullptr && names[i] != nullptr && names[i] == passed_name) {
      found = SD_LISTEN_FDS_START + i;
    }
  }
  for (int i = 0; names != nullptr && i < count; ++i) {
    ::free(names[i]);
  }
  ::free(names);
  return found;
}

std::uint64_t inode_of(const std::string& path) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0 ? st.st_ino : 0;
}

// Libmilter polls before it accepts, and takes EAGAIN for no reason to stop.
int copy_of(int fd) {
  return ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

// A listening socket in the abstract name space under a name that the kernel chose and that nobody
// is told.
int quiet_socket() {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_un unnamed{};
  unnamed.sun_family = AF_UNIX;
  if (fd >= 0 &&
      (::bind(fd, reinterpret_cast<const sockaddr*>(&unnamed), sizeof unnamed.sun_family) != 0 ||
       ::listen(fd, 1) != 0)) {
    ::close(fd);
    return -1;
  }
  return fd;
}

} // namespace

result<listening_socket> listening_socket::open(boost::asio::io_context& context,
                                                const net::listener_settings& at) {
  if (const std::optional<int> passed = passed_socket()) {
    return listening_socket(*passed, fmt::format("{}, passed by the service manager", at.address));
  }
  auto own =
      net::listener::open(context, *net::parse_endpoint(at.address), net::parse_mode(at.mode));
  if (!own) {
    return own.error();
  }
  const int fd = copy_of(own->native_handle());
  if (fd < 0) {
    return no_descriptor();
  }
  listening_socket opened(fd, at.address);
  opened.own_ = std::make_unique<net::listener>(std::move(*own));
  opened.path_ = opened.own_->where().path;
  opened.inode_ = inode_of(opened.path_);
  return opened;
}

listening_socket::listening_socket(listening_socket&& other) noexcept = default;
listening_socket::~listening_socket() = default;

std::string listening_socket::for_libmilter() const {
  return fmt::format("fd:{}", fd_);
}

void listening_socket::hand_over() {
  own_.reset();
  if (!path_.empty()) {
    remove_path();
    return;
  }
  const int quiet = quiet_socket();
  if (quiet < 0 || ::dup2(quiet, fd_) < 0) {
    log::warning("milter connections are still accepted while stopping",
                 {{"error", std::generic_category().message(errno)}});
  }
  if (quiet >= 0) {
    ::close(quiet);
  }
}

bool listening_socket::somebody_waits() const {
  pollfd asked{.fd = fd_, .events = POLLIN, .revents = 0};
  return ::poll(&asked, 1, 0) > 0;
}

void listening_socket::remove_path() const {
  if (inode_of(path_) == inode_) {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
}

} // namespace homeward::milter
