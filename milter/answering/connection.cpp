#include "milter/answering/connection.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "lib/base/log.hpp"

namespace homeward::milter::answering {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::seconds time_for_a_question{30};
constexpr std::chrono::seconds time_to_take_answers{30};
constexpr std::chrono::seconds time_to_hang_up{2};

} // namespace

connection::connection(net::stream stream, std::unique_ptr<conversation> talk, std::string name,
                       std::chrono::seconds idle)
    : stream_(std::move(stream)), talk_(std::move(talk)), name_(std::move(name)), idle_(idle) {}

asio::awaitable<void> connection::run(std::shared_ptr<connection> self) {
  co_await self->converse();
}

void connection::ask_to_finish() {
  finishing_ = true;
  stream_.interrupt_read();
}

void connection::cut() {
  cut_ = true;
  stream_.cut();
}

std::chrono::nanoseconds connection::read_limit() {
  if (talk_->idle()) {
    question_began_.reset();
    return idle_;
  }
  const steady_time now = std::chrono::steady_clock::now();
  if (!question_began_) {
    question_began_ = now;
  }
  // One that comes octet by octet must not hold a place for hours.
  const std::chrono::nanoseconds left = *question_began_ + time_for_a_question - now;
  return std::max<std::chrono::nanoseconds>(left, 1ms);
}

bool connection::should_end(const boost::system::error_code& error) {
  const bool interrupted = error == asio::error::operation_aborted && !cut_;
  if (error && !interrupted) {
    log::debug("connection closed",
               {{"door", name_}, {"peer", stream_.peer()}, {"why", error.message()}});
    return true;
  }
  return finishing_ && talk_->idle() && !stream_.has_unexpected_input();
}

asio::awaitable<void> connection::converse() {
  while (true) {
    const std::chrono::nanoseconds limit = read_limit();
    const net::read_outcome got = co_await stream_.read_some(asio::buffer(buffer_), limit);
    const bool answered = co_await answer(got.octets);
    if (!answered || should_end(got.error)) {
      co_return;
    }
    if (talk_->ended()) {
      co_await say_last_words();
      co_return;
    }
  }
}

// False when the client does not take its answers.
asio::awaitable<bool> connection::answer(std::size_t octets) {
  std::size_t taken = 0;
  while (taken < octets && !talk_->ended()) {
    taken += talk_->receive(std::string_view(buffer_.data() + taken, octets - taken), unsent_);
    const auto error = co_await stream_.write_all(asio::buffer(unsent_), time_to_take_answers);
    if (error) {
      co_return false;
    }
    unsent_.clear();
  }
  co_return true;
}

// The client must get the last answer: a close while its octets lie unread would take it away.
asio::awaitable<void> connection::say_last_words() {
  log::warning("a question cannot be read; the connection is closed",
               {{"door", name_},
                {"peer", stream_.peer()},
                {"why", talk_->fault()},
                {"next", "is something else than an MTA connected to this door?"}});
  stream_.finish_sending();
  for (int pieces = 0; pieces < 64; ++pieces) {
    const net::read_outcome rest =
        co_await stream_.read_some(asio::buffer(buffer_), time_to_hang_up);
    if (rest.error) {
      co_return;
    }
  }
}

} // namespace homeward::milter::answering
