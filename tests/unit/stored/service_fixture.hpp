#pragma once
// A whole stored within the test's process, on a unix socket and a loopback port, with two real
// partitions in a directory of its own; and a client that speaks plain text to it.

#include <arpa/inet.h>
#include <memory>
#include <netinet/in.h>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "lib/base/log.hpp"
#include "lib/fs/real_file_system.hpp"
#include "lib/net/io_threads.hpp"

#include "stored/delivery/journal_records.hpp"
#include "stored/service/caretaking.hpp"
#include "tests/unit/fs/temporary_directory.hpp"

namespace homeward::stored::test {

// Blocking, with a limit of 20 s on every read, so that a fault ends a test instead of hanging it.
class text_client {
 public:
  static text_client to_unix(const std::string& path) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return text_client(fd);
  }
  static text_client to_port(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return text_client(fd);
  }
  text_client(text_client&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), buffer_(std::move(other.buffer_)) {}
  text_client& operator=(text_client&&) = delete;
  ~text_client() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }

  void say(std::string_view octets) {
    while (!octets.empty()) {
      const ssize_t n = ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL);
      if (n <= 0) {
        return;
      }
      octets.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  // The next line without CR LF; "(closed)" at the end.
  std::string line() {
    while (buffer_.find('\n') == std::string::npos) {
      char piece[4096];
      const ssize_t n = ::recv(fd_, piece, sizeof piece, 0);
      if (n <= 0) {
        return n == 0 ? "(closed)" : "(nothing)";
      }
      buffer_.append(piece, static_cast<std::size_t>(n));
    }
    std::string text = buffer_.substr(0, buffer_.find('\n'));
    buffer_.erase(0, text.size() + 1);
    EXPECT_TRUE(text.ends_with('\r')) << text;
    text.pop_back();
    return text;
  }
  // Says a line and gives the answer.
  std::string ask(std::string_view command) {
    say(std::string(command) + "\r\n");
    return line();
  }
  void close() { ::close(std::exchange(fd_, -1)); }

 private:
  explicit text_client(int fd) : fd_(fd) {
    const timeval limit{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  int fd_;
  std::string buffer_;
};

inline std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

class whole_store : public testing::Test {
 protected:
  whole_store() {
    (void)log::enabled(log::level::info); // the log begins on this thread, as in main
    settings_.fixed.segments.size = 1_MiB;
    for (const char* name : {"mail1", "mail2", "spool"}) {
      std::filesystem::create_directory(here_.path() / name);
    }
    for (const char* name : {"mail1", "mail2"}) {
      EXPECT_TRUE(maildir::partition::initialise(files_, path_of(name), {.name = name}, {}));
      settings_.live.partitions.push_back({.name = name, .path = path_of(name)});
    }
  }
  ~whole_store() override { stop(); }

  // Change settings_ before, not after.
  void start() {
    const live_settings& live = settings_.live;
    identities_.emplace(clock_, live.identities);
    deliveries_.emplace(*identities_, clock_, settings_.fixed.workers, live.deliveries, live.quota);
    journals_.emplace(*files_for_partitions_, clock_, journals_of(settings_),
                      settings_.fixed.durability == sync_mode::journal,
                      memory_for_journals(*identities_, clock_));
    partitions_.emplace(*files_for_partitions_, clock_, filing_of(settings_.fixed), &*journals_);
    partitions_->apply(live.partitions, live.look_at_partitions);
    (void)partitions_->wait_until_looked_at(std::chrono::seconds(20));
    intake_.emplace(
        fs::open_spool_place(files_, path_of("spool"), settings_.fixed.message_memory).value(),
        live.memory, 2);
    threads_.emplace(2);
    entrance_.emplace(
        *threads_, connection_surroundings{*partitions_, *deliveries_, *intake_, sessions_}, live);
    ASSERT_TRUE(entrance_->listen({.address = "unix:" + path_of("sock")}));
    port_ = free_port();
    ASSERT_TRUE(entrance_->listen({.address = "127.0.0.1:" + std::to_string(port_)}));
    entrance_->open();
    runner_ = std::thread([this] { threads_->run(); });
  }
  void stop() {
    if (!runner_.joinable()) {
      return;
    }
    entrance_->close();
    entrance_->sessions().cut_all();
    EXPECT_TRUE(deliveries_->stop(std::chrono::seconds(20)));
    EXPECT_TRUE(partitions_->stop(std::chrono::seconds(20)));
    EXPECT_TRUE(journals_->stop(std::chrono::seconds(20)));
    while (entrance_->sessions().size() > 0) {
      std::this_thread::yield();
    }
    threads_->stop();
    runner_.join();
  }

  text_client client() { return text_client::to_unix(path_of("sock")); }
  text_client tcp_client() { return text_client::to_port(port_); }
  std::string path_of(const std::string& name) { return (here_.path() / name).string(); }

  // The files in new/ of ann@example.org and the like: name -> content.
  std::map<std::string, std::string> mail_of(const std::string& partition,
                                             const std::string& user) {
    std::map<std::string, std::string> found;
    const auto directory = here_.path() / partition / "example.org" / user / "Maildir" / "new";
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(directory, none)) {
      found[entry.path().filename()] = homeward::test::contents(entry.path());
    }
    return found;
  }

  // All of an envelope in one write.
  static std::string envelope(std::string_view message, const std::string& name,
                              const std::vector<std::string>& mailboxes,
                              const std::string& partition = "mail1") {
    std::string text = fmt::format("SIZE {}\r\nNAME {}\r\nPRTN {}\r\nFROM <sender@example.net>\r\n",
                                   message.size(), name, partition);
    for (const std::string& mailbox : mailboxes) {
      text += "RCPT <" + mailbox + ">\r\n";
    }
    return text + "DATA\r\n";
  }
  // Reads the answers of an accepted envelope, and says which was no +OK.
  static std::string envelope_answers(text_client& c, std::size_t recipients) {
    for (std::size_t i = 0; i < 4 + recipients; ++i) {
      std::string answer = c.line();
      if (!answer.starts_with("+OK")) {
        return answer;
      }
    }
    return "all accepted";
  }
  // One transaction, from SIZE to the answer to DATA.
  static std::string transaction(text_client& c, std::string_view message, const std::string& name,
                                 const std::vector<std::string>& mailboxes,
                                 const std::string& partition = "mail1") {
    c.say(envelope(message, name, mailboxes, partition) + std::string(message));
    const std::string answer = envelope_answers(c, mailboxes.size());
    return answer == "all accepted" ? c.line() : answer;
  }

  homeward::test::temporary_directory here_;
  fs::real_file_system files_;
  fs::file_system* files_for_partitions_ = &files_;
  system_clock_source clock_;
  settings settings_;
  session_counter sessions_;
  std::uint16_t port_ = 0;
  std::optional<identity_map> identities_;
  std::optional<delivery_service> deliveries_;
  std::optional<journal::journal_table> journals_;
  std::optional<partition_table> partitions_;
  std::optional<message_intake> intake_;
  std::optional<net::io_threads> threads_;
  std::optional<door> entrance_;
  std::thread runner_;
};

} // namespace homeward::stored::test
