#pragma once
// Where messages stay while they arrive and are delivered: in memory up to a limit each, beyond it
// in a spool file, and all of them in files once their sum in memory has reached the cap of the
// daemon. A spool file has no name; nothing is left behind when the process ends.

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "lib/base/byte_count.hpp"
#include "lib/base/failure.hpp"
#include "lib/fs/message_spool.hpp"

namespace homeward::bridge {

// Safe from any thread; one message by one strand at a time.
class spooling {
 public:
  // A message and its share of the memory cap, given back when it ends.
  class message {
   public:
    message(fs::message_spool spool, std::shared_ptr<std::atomic<std::uint64_t>> used,
            std::uint64_t memory_limit);
    message(message&& other) noexcept = default;
    message& operator=(message&& other) noexcept = delete;
    message(const message&) = delete;
    message& operator=(const message&) = delete;
    ~message();

   private:
    friend class spooling;
    void count_memory();

    fs::message_spool spool_;
    std::shared_ptr<std::atomic<std::uint64_t>> used_;
    std::uint64_t counted_ = 0;
    std::uint64_t memory_limit_ = 0;
  };

  // Opens the spool directory, which must exist. `cap` bounds all messages in memory together.
  [[nodiscard]] static result<std::unique_ptr<spooling>>
  open(fs::file_system& files, const std::string& directory, byte_count memory_per_message,
       byte_count cap, boost::asio::thread_pool& workers);

  [[nodiscard]] message begin(std::optional<byte_count> declared_size) const;

  // Appends in memory at once, to a file on a worker thread. `octets` must stay until it is done.
  [[nodiscard]] boost::asio::awaitable<result<void>> append(message& m, std::string_view octets);

  // The message as its readers want it; it counts against the cap until the last of them is done.
  [[nodiscard]] std::shared_ptr<const fs::message_spool> finished(message m) const;

 private:
  spooling(fs::spool_place normal, fs::spool_place crowded, byte_count cap,
           boost::asio::thread_pool& workers);

  fs::spool_place normal_;
  fs::spool_place crowded_; // hardly anything in memory
  byte_count cap_;
  boost::asio::thread_pool& workers_;
  std::shared_ptr<std::atomic<std::uint64_t>> used_;
};

} // namespace homeward::bridge
