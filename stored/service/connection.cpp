#include "stored/service/connection.hpp"

#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "lib/base/log.hpp"

namespace homeward::stored {

namespace asio = boost::asio;
namespace sp = store_protocol;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t read_size = 32U << 10U; // a small message with its envelope in one read
constexpr nanoseconds time_for_goodbye = 2s;
constexpr std::size_t most_unsent = 256U << 10U; // then replies go out before more is taken
constexpr nanoseconds moment = 20ms; // for which replies may wait for the outcome of a delivery

} // namespace

connection::connection(net::stream stream, peer who, std::shared_ptr<const live_settings> live,
                       connection_surroundings around)
    : stream_(std::move(stream)), executor_(stream_.get_executor()), live_(std::move(live)),
      around_(around), policy_(around.partitions, around.deliveries.quota(), std::move(who)),
      session_(live_->protocol, "homeward/" HOMEWARD_VERSION, policy_), buffer_(read_size),
      patience_(executor_) {}

asio::awaitable<void> connection::run(std::shared_ptr<connection> self) {
  co_await self->converse();
}

asio::awaitable<void> connection::converse() {
  while (!closed_) {
    if (session_.waits_for() == sp::server_waits_for::delivery) {
      co_await wait_for_delivery();
    } else if (begin_ < end_ && unsent_.size() < most_unsent) {
      if (session_.waits_for() == sp::server_waits_for::first_command) {
        session_.set_load(load());
      }
      // Pieces of a message point into the buffer: it stays untouched until they are performed.
      begin_ += session_.receive({buffer_.data() + begin_, end_ - begin_});
    } else if (!unsent_.empty()) {
      co_await flush();
    } else {
      co_await read_more();
    }
    co_await perform_actions();
  }
}

asio::awaitable<void> connection::perform_actions() {
  while (auto action = session_.next_action()) {
    if (auto* reply = std::get_if<sp::action_send>(&*action)) {
      unsent_ += reply->text;
    } else if (auto* begun = std::get_if<sp::action_begin_body>(&*action)) {
      begin_message(begun->size);
    } else if (auto* body = std::get_if<sp::action_body>(&*action)) {
      co_await take_octets(body->piece);
    } else if (std::holds_alternative<sp::action_discard_body>(*action)) {
      message_.reset();
    } else if (auto* complete = std::get_if<sp::action_deliver>(&*action)) {
      deliver(std::move(complete->message));
    } else if (auto* end = std::get_if<sp::action_close>(&*action)) {
      co_await say_goodbye(end->why);
    }
  }
}

asio::awaitable<void> connection::flush() {
  if (unsent_.empty()) {
    co_return;
  }
  const std::string text = std::exchange(unsent_, {});
  const auto error = co_await stream_.write_all(asio::buffer(text), live_->times.server_block);
  if (error) {
    session_.on(sp::event_peer_closed{});
  }
}

asio::awaitable<void> connection::read_more() {
  const nanoseconds limit = read_limit();
  const net::read_outcome got = co_await stream_.read_some(asio::buffer(buffer_), limit);
  begin_ = 0;
  end_ = got.octets;
  pace_.count(got.octets);
  if (got.error == asio::error::timed_out) {
    session_.on(sp::event_timed_out{});
  } else if (got.error && (cut_ || got.error != asio::error::operation_aborted)) {
    session_.on(sp::event_peer_closed{});
  }
  // An interrupted read is no event: the session has something to say.
}

nanoseconds connection::read_limit() {
  const sp::times& times = live_->times;
  if (session_.waits_for() == sp::server_waits_for::body) {
    return pace_.limit(steady_clock::now(), times.server_block, live_->data_rate);
  }
  pace_.reset();
  const bool idle = session_.waits_for() == sp::server_waits_for::first_command;
  return idle ? times.server_idle : times.server_command;
}

void connection::begin_message(byte_count size) {
  message_fault_.reset();
  result<std::shared_ptr<incoming_message>> begun = around_.intake.begin(size);
  if (begun) {
    message_ = std::move(*begun);
  } else {
    cannot_keep(begun.error());
  }
}

asio::awaitable<void> connection::take_octets(std::string_view octets) {
  if (!message_) {
    co_return; // refused: the session swallows the rest
  }
  const result<void> kept = co_await around_.intake.append(message_, octets);
  if (!kept) {
    cannot_keep(kept.error());
  }
}

void connection::cannot_keep(const failure& why) {
  log::warning("message refused while it arrives", {{"peer", stream_.peer()}, {"failure", why}});
  message_.reset();
  message_fault_ = why;
  session_.on(sp::event_body_failed{why});
}

void connection::deliver(sp::envelope envelope) {
  outcomes_.reset();
  if (!message_) {
    // The last octets came before the session could be told that they cannot be kept.
    outcomes_.emplace(envelope.recipients.size(), sp::outcome(message_fault_.value()));
    return;
  }
  delivery_began_ = steady_clock::now();
  patience_.expires_at(delivery_began_ + (unsent_.empty() ? live_->deliveries.commit : moment));
  std::shared_ptr<const fs::message_spool> octets(message_, &message_->spool);
  message_.reset();
  auto completion = [self = shared_from_this()](std::vector<sp::outcome> outcomes) {
    asio::post(self->executor_, [self, outcomes = std::move(outcomes)]() mutable {
      self->outcomes_arrived(std::move(outcomes));
    });
  };
  pending_ = around_.deliveries.deliver({.envelope = std::move(envelope),
                                         .message = std::move(octets),
                                         .partition = policy_.partition(),
                                         .peer = stream_.peer()},
                                        std::move(completion));
}

void connection::outcomes_arrived(std::vector<sp::outcome> outcomes) {
  outcomes_ = std::move(outcomes);
  patience_.cancel();
}

asio::awaitable<void> connection::wait_for_delivery() {
  while (!outcomes_ && !cut_) {
    const auto [error] = co_await patience_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (error || outcomes_) {
      continue;
    }
    if (!unsent_.empty()) {
      patience_.expires_at(delivery_began_ + live_->deliveries.commit);
      co_await flush();
    } else {
      give_up_delivery();
    }
  }
  tell_outcomes();
}

// Answers all that are open, which ends the wait. What still succeeds is found by the repeat.
void connection::give_up_delivery() {
  patience_.expires_at(steady_time::max());
  pending_->give_up(transient_failure("the message is not safe yet; the work goes on, a repeat of "
                                      "the same NAME will find it"));
}

void connection::tell_outcomes() {
  pending_.reset();
  if (outcomes_) {
    session_.on(sp::event_delivery_finished{std::move(*outcomes_), load()});
  } else {
    session_.on(sp::event_peer_closed{});
  }
}

void connection::note_end(sp::close_reason why) {
  closed_ = true;
  log::debug("session closed", {{"peer", stream_.peer()}, {"why", sp::to_string(why)}});
}

asio::awaitable<void> connection::say_goodbye(sp::close_reason why) {
  note_end(why);
  co_await flush();
  if (why == sp::close_reason::peer_closed || why == sp::close_reason::quit) {
    co_return;
  }
  // A close with unread octets would be a reset, which can take our last reply from the peer.
  stream_.finish_sending();
  const auto give_up = steady_clock::now() + time_for_goodbye;
  while (steady_clock::now() < give_up) {
    const auto got =
        co_await stream_.read_some(asio::buffer(buffer_), give_up - steady_clock::now());
    if (got.error) {
      co_return;
    }
  }
}

void connection::ask_to_finish() {
  session_.on(sp::event_shutting_down{});
  stream_.interrupt_read();
}

void connection::cut() {
  cut_ = true;
  stream_.cut();
  patience_.cancel();
}

// Before the first transaction the figures are those of the whole store.
sp::load_figures connection::load() const {
  const auto& partition = policy_.partition();
  const fs::volume_space space = partition ? around_.partitions.space(partition->where.name())
                                           : around_.partitions.space_of_all();
  std::optional<std::uint64_t> volume;
  if (partition) {
    volume = partition->device;
  }
  return {.busy_percent = around_.deliveries.busy_percent(volume),
          .sessions = around_.sessions.size(),
          .free = space.free,
          .total = space.total,
          .version = HOMEWARD_VERSION};
}

} // namespace homeward::stored
