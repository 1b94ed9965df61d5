#include "stored/service/message_intake.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace homeward::stored {

namespace asio = boost::asio;

namespace {

asio::awaitable<result<void>> append_here(std::shared_ptr<incoming_message> message,
                                          std::string_view octets) {
  co_return message->spool.append(octets);
}

} // namespace

message_intake::message_intake(fs::spool_place place, byte_count cap, std::size_t threads)
    : place_(std::move(place)), cap_(cap.octets),
      used_(std::make_shared<std::atomic<std::uint64_t>>(0)), threads_(threads) {}

result<std::shared_ptr<incoming_message>> message_intake::begin(byte_count size) {
  const std::uint64_t share = std::min(size.octets, place_.memory_limit.octets);
  if (used_->fetch_add(share) + share > cap_.load()) {
    used_->fetch_sub(share);
    return transient_failure("the store has too many messages in hand", {},
                             "If this lasts, raise limits.memory.");
  }
  std::shared_ptr<void> give_back(nullptr,
                                  [used = used_, share](void*) { used->fetch_sub(share); });
  auto message = std::make_shared<incoming_message>(
      incoming_message{fs::message_spool(place_), std::move(give_back)});
  if (size <= place_.memory_limit) {
    message->spool.reserve(size.octets);
  }
  return message;
}

asio::awaitable<result<void>> message_intake::append(std::shared_ptr<incoming_message> message,
                                                     std::string_view octets) {
  if (message->spool.size() + octets.size() <= place_.memory_limit.octets) {
    co_return message->spool.append(octets);
  }
  co_return co_await asio::co_spawn(threads_, append_here(message, octets), asio::use_awaitable);
}

} // namespace homeward::stored
