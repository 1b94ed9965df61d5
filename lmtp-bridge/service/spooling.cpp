#include "lmtp-bridge/service/spooling.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "lmtp-bridge/delivery/on_worker.hpp"

namespace homeward::bridge {

namespace asio = boost::asio;
constexpr byte_count memory_when_crowded = 4_KiB;

spooling::message::message(fs::message_spool spool,
                           std::shared_ptr<std::atomic<std::uint64_t>> used,
                           std::uint64_t memory_limit)
    : spool_(std::move(spool)), used_(std::move(used)), memory_limit_(memory_limit) {}

spooling::message::~message() {
  if (used_) {
    used_->fetch_sub(counted_);
  }
}

void spooling::message::count_memory() {
  const std::uint64_t now = std::min(spool_.size(), memory_limit_);
  used_->fetch_add(now - counted_);
  counted_ = now;
}

spooling::spooling(fs::spool_place normal, fs::spool_place crowded, byte_count cap,
                   asio::thread_pool& workers)
    : normal_(std::move(normal)), crowded_(std::move(crowded)), cap_(cap), workers_(workers),
      used_(std::make_shared<std::atomic<std::uint64_t>>(0)) {}

result<std::unique_ptr<spooling>> spooling::open(fs::file_system& files,
                                                 const std::string& directory,
                                                 byte_count memory_per_message, byte_count cap,
                                                 asio::thread_pool& workers) {
  result<fs::spool_place> normal = fs::open_spool_place(files, directory, memory_per_message);
  if (!normal) {
    return normal.error();
  }
  result<fs::spool_place> crowded = fs::open_spool_place(files, directory, memory_when_crowded);
  if (!crowded) {
    return crowded.error();
  }
  return std::unique_ptr<spooling>(
      new spooling(std::move(*normal), std::move(*crowded), cap, workers));
}

spooling::message spooling::begin(std::optional<byte_count> declared_size) const {
  const bool is_crowded = used_->load() >= cap_.octets;
  const fs::spool_place& place = is_crowded ? crowded_ : normal_;
  fs::message_spool spool(place);
  if (declared_size && *declared_size <= place.memory_limit) {
    spool.reserve(declared_size->octets);
  }
  return {std::move(spool), used_, place.memory_limit.octets};
}

asio::awaitable<result<void>> spooling::append(message& m, std::string_view octets) {
  if (m.spool_.size() + octets.size() <= m.memory_limit_) {
    result<void> kept = m.spool_.append(octets);
    m.count_memory();
    co_return kept;
  }
  co_return co_await on_worker(workers_, [&] { return m.spool_.append(octets); });
}

std::shared_ptr<const fs::message_spool> spooling::finished(message m) const {
  const auto owner = std::make_shared<const message>(std::move(m));
  return {owner, &owner->spool_};
}

} // namespace homeward::bridge
