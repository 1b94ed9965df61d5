#pragma once
// One connection of store_load: a client of the storage protocol reduced to what a benchmark needs,
// at the least cost of processor time. It checks that every answer is the answer to its own
// message.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <sys/uio.h>

#include "tests/bench/measurement.hpp"
#include "tests/bench/message_mix.hpp"

namespace homeward::bench {

class store_connection {
 public:
  // Connects to 127.0.0.1 and asks for the extensions that a bridge uses. Throws
  // std::runtime_error.
  explicit store_connection(std::uint16_t port);
  ~store_connection();
  store_connection(const store_connection&) = delete;
  store_connection& operator=(const store_connection&) = delete;

  [[nodiscard]] int descriptor() const { return fd_; }

  // Begins a transaction: envelope and octets, as much as the socket takes at once.
  void begin(const message_mix& mix, std::uint64_t number, std::string_view partition,
             std::string_view mailbox);

  enum class state { idle, busy, accepted, refused, broken };
  // Goes on writing and reading until there is nothing more to do. accepted, refused: the
  // transaction ended just now, a new one may begin. broken: for good.
  state proceed();

  [[nodiscard]] state status() const { return state_; }
  [[nodiscard]] std::uint64_t number() const { return number_; }
  [[nodiscard]] bench_clock::time_point began() const { return began_; }
  // After refused: the code of the first -ERR. After broken: what happened.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  void push();
  void on_line(std::string_view line);
  void on_result(std::string_view line);
  void broken(std::string why);

  int fd_ = -1;
  state state_ = state::idle;
  std::uint64_t number_ = 0;
  bench_clock::time_point began_;
  std::string envelope_;
  std::string expected_; // what the result of an accepted message begins with
  message message_;
  std::array<iovec, 4> unsent_{};
  unsigned replies_ = 0;
  std::string trouble_;
  std::array<char, 4096> buffer_{};
  std::size_t filled_ = 0;
};

} // namespace homeward::bench
