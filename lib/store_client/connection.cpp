#include "lib/store_client/connection.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/asio/error.hpp>

#include "lib/base/sabotage.hpp"

namespace homeward::store_client {

namespace asio = boost::asio;
namespace sp = store_protocol;

namespace {

// Up to this size a message is copied behind its envelope: one write, one packet train.
constexpr std::size_t copied_body = 32U << 10U;
constexpr std::size_t file_piece = 256U << 10U;
constexpr std::size_t read_piece = 4096;
constexpr std::chrono::milliseconds shortest_wait{1};

// The mistake that S7 stands for: a connection whose answers made no sense is taken for a clean
// one, with whatever is still on its way in it.
bool is_kept_by_sabotage(const sp::client_action& action) {
  const auto* close = std::get_if<sp::action_close>(&action);
  return sabotage::is_on(sabotage::fault::s7_reuse_bad_connection) && close != nullptr &&
         close->why == sp::close_reason::broken;
}

steady_time now() {
  return std::chrono::steady_clock::now();
}

std::string words(const boost::system::error_code& error) {
  if (error == asio::error::eof) {
    return "the store closed the connection";
  }
  if (error == asio::error::timed_out) {
    return "the store did not answer in time";
  }
  return error.message();
}

} // namespace

connection::connection(net::stream stream, const settings& s)
    : stream_(std::move(stream)), settings_(s), session_(s.protocol), born_(now()),
      last_used_(born_) {}

asio::awaitable<result<std::unique_ptr<connection>>>
connection::open(std::vector<net::endpoint> endpoints, settings s, steady_time give_up) {
  failure last = transient_failure("the store has no address", "",
                                   "Give the server an address: homewardctl server set.");
  for (const net::endpoint& to : endpoints) {
    const std::chrono::nanoseconds left = give_up - now();
    result<net::stream> stream = co_await net::connect(
        to, std::clamp<std::chrono::nanoseconds>(left, shortest_wait, s.times.client_connect));
    if (!stream) {
      last = stream.error();
      continue;
    }
    auto c = std::make_unique<connection>(std::move(*stream), s);
    c->session_.open();
    const steady_time no_later = std::min(give_up, now() + s.times.client_command);
    const progress opened = co_await c->drive(no_later);
    if (opened == progress::done) {
      co_return c;
    }
    last = c->trouble();
  }
  co_return last;
}

asio::awaitable<transaction_report>
connection::deliver(sp::envelope envelope, std::shared_ptr<const fs::message_spool> message,
                    steady_time give_up) {
  const std::size_t recipients = envelope.recipients.size();
  message_ = std::move(message);
  finished_.reset();
  session_.start(std::move(envelope));
  (void)co_await drive(give_up);
  message_.reset();
  last_used_ = now();
  transaction_report report;
  report.connection_failed = session_.closed() && session_.trouble().has_value();
  if (finished_) {
    report.outcomes = std::move(finished_->outcomes);
    report.load = std::move(finished_->load);
  }
  // The session promises an outcome for each; a missing one must never look like success.
  report.outcomes.resize(recipients, unknown_outcome("no outcome was told"));
  co_return report;
}

asio::awaitable<result<std::optional<sp::load_figures>>> connection::probe(steady_time give_up) {
  probed_.reset();
  session_.probe();
  (void)co_await drive(give_up);
  last_used_ = now();
  if (!probed_) {
    co_return trouble();
  }
  co_return probed_->load;
}

asio::awaitable<result<std::vector<sp::mailbox_usage>>>
connection::full_mailboxes(steady_time give_up) {
  listed_.reset();
  session_.list_full();
  (void)co_await drive(give_up);
  last_used_ = now();
  if (!listed_) {
    co_return trouble();
  }
  co_return std::move(listed_->usages);
}

void connection::cut() {
  stream_.cut();
}

bool connection::is_reusable(steady_time at, std::chrono::seconds longest_idle) {
  return session_.ready() && unread_.empty() && at - born_ < settings_.oldest &&
         at - last_used_ < longest_idle && !stream_.has_unexpected_input();
}

// Performs actions and reads replies until the step asked for is done or the session has closed.
asio::awaitable<connection::progress> connection::drive(steady_time give_up) {
  while (true) {
    const progress p = co_await perform_actions();
    if (p != progress::pending) {
      co_return p;
    }
    co_await read_replies(give_up);
  }
}

asio::awaitable<connection::progress> connection::perform_actions() {
  bool done = false;
  while (auto action = session_.next_action()) {
    if (auto* text = std::get_if<sp::action_send>(&*action)) {
      unsent_ += text->text;
    } else if (std::holds_alternative<sp::action_send_body>(*action)) {
      const bool sent = co_await send_body();
      if (sent) {
        session_.on(sp::event_body_sent{});
      }
    } else if (std::holds_alternative<sp::action_opened>(*action)) {
      done = true;
    } else if (auto* finished = std::get_if<sp::action_finished>(&*action)) {
      finished_ = std::move(*finished);
      done = true;
    } else if (auto* probed = std::get_if<sp::action_probed>(&*action)) {
      probed_ = std::move(*probed);
      done = true;
    } else if (auto* listed = std::get_if<sp::action_listed>(&*action)) {
      listed_ = std::move(*listed);
      done = true;
    } else if (is_kept_by_sabotage(*action)) {
      session_ = sp::client_session(settings_.protocol);
      session_.open(true);
      co_return progress::ended;
    } else {
      stream_.cut();
      co_return done ? progress::done : progress::ended;
    }
  }
  if (!unsent_.empty()) {
    (void)co_await send();
  }
  if (session_.closed() && !done) {
    co_return progress::ended;
  }
  co_return done ? progress::done : progress::pending;
}

asio::awaitable<void> connection::read_replies(steady_time give_up) {
  if (unread_.empty()) {
    std::array<char, read_piece> piece; // NOLINT(cppcoreguidelines-pro-type-member-init)
    const net::read_outcome got =
        co_await stream_.read_some(asio::buffer(piece), patience(give_up));
    if (got.error == asio::error::timed_out) {
      session_.on(sp::event_timed_out{});
      co_return;
    }
    if (got.error) {
      lost(words(got.error));
      co_return;
    }
    unread_.assign(piece.data(), got.octets);
  }
  const std::size_t consumed = session_.receive(unread_);
  unread_.erase(0, consumed);
}

asio::awaitable<bool> connection::send(asio::const_buffer more) {
  const auto error =
      co_await stream_.write_all(asio::buffer(unsent_), settings_.times.client_block, more);
  unsent_.clear();
  if (error) {
    lost(words(error));
  }
  co_return !error;
}

asio::awaitable<bool> connection::send_body() {
  if (const auto whole = message_->memory()) {
    if (whole->size() > copied_body) {
      co_return co_await send(asio::buffer(*whole));
    }
    unsent_ += *whole;
    co_return co_await send();
  }
  std::vector<char> piece(file_piece);
  std::uint64_t offset = 0;
  while (offset < message_->size()) {
    const result<std::size_t> got = message_->read(offset, piece);
    if (!got || *got == 0) {
      lost(got ? "the spool file is shorter than it was" : describe(got.error()));
      stream_.cut();
      co_return false;
    }
    const bool sent = co_await send(asio::buffer(piece.data(), *got));
    if (!sent) {
      co_return false;
    }
    offset += *got;
  }
  co_return true;
}

std::chrono::nanoseconds connection::patience(steady_time give_up) const {
  const std::chrono::nanoseconds own =
      session_.waits_for() == sp::client_waits_for::results
          ? std::chrono::nanoseconds(settings_.results)
          : std::chrono::nanoseconds(settings_.times.client_command);
  return std::clamp<std::chrono::nanoseconds>(give_up - now(), shortest_wait, own);
}

void connection::lost(const std::string& why) {
  session_.on(sp::event_connection_lost{
      transient_failure("the connection to the store was lost", stream_.peer() + ": " + why)});
}

failure connection::trouble() const {
  return session_.trouble().value_or(transient_failure("the store ended the connection"));
}

} // namespace homeward::store_client
