#pragma once
// Where messages stay while they arrive and until they are filed: in memory up to a limit each,
// beyond it in a nameless file of the spool directory. The memory of all of them together has a
// cap; beyond it new messages are refused.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "lib/base/byte_count.hpp"
#include "lib/base/failure.hpp"
#include "lib/fs/message_spool.hpp"

namespace homeward::stored {

// A message that arrives, with its share of the cap, which is given back when the last holder lets
// go.
struct incoming_message {
  fs::message_spool spool;
  std::shared_ptr<void> share;
};

// Safe from any thread; one message by one strand at a time. Must outlive the messages.
class message_intake {
 public:
  // `place` says how much of a message stays in memory; appending to a file runs on `threads`
  // threads.
  message_intake(fs::spool_place place, byte_count cap, std::size_t threads);

  // Makes room for a message of `size` octets. Fails (temp) when the cap is reached.
  [[nodiscard]] result<std::shared_ptr<incoming_message>> begin(byte_count size);

  // Keeps octets: in memory at once, in a file on a thread of the intake. `octets` must stay until
  // it is done. Called on the message's strand, and resumes there.
  [[nodiscard]] boost::asio::awaitable<result<void>>
  append(std::shared_ptr<incoming_message> message, std::string_view octets);

  void set_cap(byte_count cap) { cap_.store(cap.octets); }
  [[nodiscard]] byte_count in_memory() const { return {used_->load()}; }

 private:
  fs::spool_place place_;
  std::atomic<std::uint64_t> cap_;
  std::shared_ptr<std::atomic<std::uint64_t>> used_;
  boost::asio::thread_pool threads_;
};

} // namespace homeward::stored
