#include "lmtp-bridge/service/lmtp_connection.hpp"

#include <chrono>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "lib/base/log.hpp"

namespace homeward::bridge {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

// Commands are short; a message is read in pieces that keep the number of system calls low.
constexpr std::size_t command_buffer = 4096;
constexpr std::size_t message_buffer = 64U << 10U;
constexpr std::chrono::seconds write_limit{60};
constexpr std::chrono::seconds pause_for_bad_peers{1};

} // namespace

lmtp_connection::lmtp_connection(net::stream stream, lmtp::session_settings settings, shared s)
    : stream_(std::move(stream)), shared_(s), session_(std::move(settings), s.policy) {}

asio::awaitable<void> lmtp_connection::run() {
  session_.start();
  while (true) {
    co_await perform_actions();
    if (closed_) {
      co_return;
    }
    if (begin_ == end_) {
      co_await read_more();
      continue;
    }
    // Body chunks point into the buffer: it stays untouched until they are performed.
    const std::size_t taken =
        session_.receive(std::string_view(buffer_.data() + begin_, end_ - begin_));
    co_await perform_actions();
    begin_ += taken;
  }
}

asio::awaitable<void> lmtp_connection::turn_away() {
  session_.turn_away("too many sessions");
  co_await perform_actions();
}

void lmtp_connection::ask_to_finish() {
  session_.on(lmtp::shutting_down{});
  stream_.interrupt_read();
}

void lmtp_connection::cut() {
  cut_ = true;
  stream_.cut();
}

asio::awaitable<void> lmtp_connection::perform_actions() {
  while (!closed_) {
    std::optional<lmtp::action> action = session_.next_action();
    if (!action) {
      co_return;
    }
    co_await perform(std::move(*action));
  }
}

asio::awaitable<void> lmtp_connection::perform(lmtp::action action) {
  if (auto* reply = std::get_if<lmtp::send>(&action)) {
    co_await write(reply->octets);
  } else if (auto* begun = std::get_if<lmtp::begin_message>(&action)) {
    key_.emplace(begun->about.sender, begun->about.forwarded.ident);
    message_.emplace(shared_.spools.begin(begun->about.declared_size));
    spool_fault_.reset();
    envelope_ = std::move(begun->about);
  } else if (auto* chunk = std::get_if<lmtp::body_chunk>(&action)) {
    co_await append(chunk->octets);
  } else if (auto* ended = std::get_if<lmtp::end_message>(&action)) {
    co_await deliver(ended->transaction);
  } else if (std::holds_alternative<lmtp::discard>(action)) {
    message_.reset();
    envelope_.reset();
  } else if (auto* end = std::get_if<lmtp::close>(&action)) {
    note_end(end->reason);
  }
}

asio::awaitable<void> lmtp_connection::append(std::string_view octets) {
  if (spool_fault_) {
    co_return;
  }
  key_->update(octets);
  result<void> kept = co_await shared_.spools.append(*message_, octets);
  if (!kept) {
    cannot_keep(kept.error());
  }
}

void lmtp_connection::cannot_keep(const failure& why) {
  log::error("cannot keep a message while it arrives", {{"peer", stream_.peer()}, {"why", why}});
  spool_fault_ = why;
  spool_fault_->kind = failure_kind::transient;
  message_.reset();
}

void lmtp_connection::note_end(lmtp::close_reason why) {
  log::debug("LMTP session closed", {{"peer", stream_.peer()}, {"why", lmtp::words(why)}});
  closed_ = true;
}

asio::awaitable<void> lmtp_connection::deliver(std::uint64_t transaction) {
  std::vector<mail::reply> outcomes;
  if (spool_fault_) {
    outcomes.assign(envelope_->recipients.size(), shared_.agent.reply_to(*spool_fault_));
  } else {
    delivery::incoming mail = take_message();
    outcomes = co_await shared_.agent.deliver(std::move(mail));
  }
  message_.reset();
  envelope_.reset();
  report(transaction, std::move(outcomes));
}

delivery::incoming lmtp_connection::take_message() {
  return {.envelope = std::move(*envelope_),
          .message = shared_.spools.finished(std::move(*message_)),
          .key = key_->finish(),
          .peer = stream_.peer()};
}

void lmtp_connection::report(std::uint64_t transaction, std::vector<mail::reply> outcomes) {
  session_.on(lmtp::delivery_finished{.transaction = transaction, .outcomes = std::move(outcomes)});
}

asio::awaitable<void> lmtp_connection::write(std::string_view octets) {
  if (session_.should_answer_slowly()) {
    asio::steady_timer pause(co_await asio::this_coro::executor, pause_for_bad_peers);
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  const auto error =
      co_await stream_.write_all(asio::buffer(octets.data(), octets.size()), write_limit);
  if (error) {
    session_.on(lmtp::peer_closed{});
  }
}

asio::awaitable<void> lmtp_connection::read_more() {
  begin_ = 0;
  end_ = 0;
  const bool in_message = session_.where() == lmtp::state::message;
  const std::size_t size = in_message ? message_buffer : command_buffer;
  if (buffer_.size() != size) {
    buffer_ = std::vector<char>(size);
  }
  const std::chrono::nanoseconds limit = read_limit();
  const net::read_outcome got = co_await stream_.read_some(asio::buffer(buffer_), limit);
  end_ = got.octets;
  pace_.count(got.octets);
  take_note_of(got.error);
}

void lmtp_connection::take_note_of(const boost::system::error_code& error) {
  if (error == asio::error::timed_out) {
    log::info("LMTP peer timed out",
              {{"peer", stream_.peer()}, {"when", session_.deadline().phrase}});
    session_.on(lmtp::timed_out{});
  } else if (error && (cut_ || error != asio::error::operation_aborted)) {
    session_.on(lmtp::peer_closed{});
  }
  // An interrupted read is no event: the session has something to say.
}

std::chrono::nanoseconds lmtp_connection::read_limit() {
  const std::chrono::nanoseconds limit = session_.deadline().limit.value_or(300s);
  if (session_.where() != lmtp::state::message) {
    pace_.reset();
    return limit;
  }
  return pace_.limit(std::chrono::steady_clock::now(), limit, shared_.data_rate);
}

} // namespace homeward::bridge
