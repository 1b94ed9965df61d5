#include "tests/unit/store_protocol/scripted_store.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace homeward::store_protocol::testing {
namespace {

// A broken promise of the session towards its driver: stops a test and a fuzz run alike.
void promise(bool kept, const char* what) {
  if (!kept) {
    throw std::logic_error(what);
  }
}

} // namespace

scripted_store::scripted_store(store_script script)
    : script_(std::move(script)), session_(script_.bounds, "homeward/test", *this) {
  session_.set_load(script_.load);
}

result<partition_figures> scripted_store::accept_partition(std::string_view name) {
  const auto refused = script_.partitions.find(std::string(name));
  if (refused != script_.partitions.end()) {
    return refused->second;
  }
  return script_.space;
}

result<void> scripted_store::accept_recipient(const envelope& so_far, const recipient& who) {
  promise(!so_far.name.key.empty() && !so_far.partition.empty() && so_far.has_sender,
          "a recipient is asked for before the envelope is known");
  const auto refused = script_.recipients.find(who.mailbox);
  if (refused != script_.recipients.end()) {
    return refused->second;
  }
  return {};
}

std::vector<mailbox_usage> scripted_store::full_mailboxes(std::size_t /*most*/) {
  return script_.usages; // more than asked for, perhaps: the session must see to that
}

void scripted_store::feed(std::string_view octets, std::size_t piece) {
  pending_ += octets;
  piece_ = piece;
  pump();
}

void scripted_store::on(server_event event) {
  session_.on(std::move(event));
  perform();
  pump();
}

void scripted_store::finish_delivery() {
  event_delivery_finished finished;
  for (const recipient& who : delivering_.recipients) {
    const auto failed = script_.outcomes.find(who.mailbox);
    const auto repeat = script_.repeats.find(who.mailbox);
    if (failed != script_.outcomes.end()) {
      finished.outcomes.emplace_back(failed->second);
    } else if (repeat != script_.repeats.end()) {
      finished.outcomes.emplace_back(stored_as{repeat->second, true});
    } else {
      finished.outcomes.emplace_back(stored_as{to_string(delivering_.name), false});
    }
  }
  finished.load = script_.load;
  on(std::move(finished));
}

void scripted_store::pump() {
  while (!pending_.empty()) {
    const std::uint64_t direct = script_.direct ? session_.body_remaining() : 0;
    const std::string given = pending_.substr(0, piece_);
    std::size_t taken = 0;
    if (direct != 0) {
      taken = std::min<std::uint64_t>(direct, given.size());
      body_ += given.substr(0, taken);
      record("body", given.substr(0, taken));
      session_.on(event_body_received{taken});
    } else {
      taken = session_.receive(given);
      promise(taken <= given.size(), "more octets taken than given");
      // Behind a command with a long answer it may stop too.
      promise(taken == given.size() || session_.closed() ||
                  session_.waits_for() == server_waits_for::delivery ||
                  (taken != 0 && given[taken - 1] == '\n'),
              "the session stopped without a reason");
    }
    pending_.erase(0, taken);
    perform();
    if (taken == 0) {
      break;
    }
  }
}

void scripted_store::perform() {
  bool deliver = false;
  while (auto action = session_.next_action()) {
    promise(!closed_, "an action after action_close");
    if (const auto* send = std::get_if<action_send>(&*action)) {
      output_ += send->text;
      record("send", send->text);
    } else if (const auto* begin = std::get_if<action_begin_body>(&*action)) {
      promise(!has_body_, "a message begins within another");
      has_body_ = true;
      body_.clear();
      announced_ = begin->size.octets;
      record("begin", fmt::format("{}", begin->size.octets));
    } else if (const auto* piece = std::get_if<action_body>(&*action)) {
      promise(has_body_, "octets of no message");
      body_ += piece->piece;
      record("body", piece->piece);
    } else if (std::holds_alternative<action_discard_body>(*action)) {
      promise(has_body_, "a message discarded that was not begun");
      has_body_ = false;
      ++discarded_;
      record("discard", "");
    } else if (auto* order = std::get_if<action_deliver>(&*action)) {
      promise(has_body_, "a delivery without a message");
      promise(body_.size() == announced_ && order->message.size.octets == announced_,
              "a delivery of an incomplete message");
      promise(!order->message.recipients.empty(), "a delivery for nobody");
      has_body_ = false;
      delivering_ = order->message;
      delivered_.push_back({order->message, std::exchange(body_, {})});
      record("deliver", to_string(order->message.name));
      deliver = true;
    } else {
      closed_ = true;
      why_closed_ = std::get<action_close>(*action).why;
      record("close", to_string(why_closed_));
    }
  }
  if (deliver && !script_.held) {
    finish_delivery();
  }
}

void scripted_store::record(std::string_view kind, std::string_view what) {
  const std::string begin = fmt::format("{}: ", kind);
  const bool joins =
      (kind == "send" || kind == "body") && !trace_.empty() && trace_.back().starts_with(begin);
  if (joins) {
    trace_.back() += what;
  } else {
    trace_.push_back(begin + std::string(what));
  }
}

failure failure_named(std::string_view word) {
  using enum failure_reason;
  const auto passing = [](failure_reason reason, std::string what) {
    return failure{.kind = failure_kind::transient, .reason = reason, .what = std::move(what)};
  };
  if (word == "temp") {
    return passing(temp, "the store is busy");
  }
  if (word == "quota") {
    return passing(quota, "the mailbox is over its limit");
  }
  if (word == "no_partition") {
    return passing(no_partition, "this store has no such partition");
  }
  if (word == "moved") {
    failure f = passing(moved, "the mailbox lives elsewhere");
    f.detail = "store2/mail7";
    return f;
  }
  if (word == "full") {
    return passing(full, "no space left on the volume");
  }
  if (word == "denied") {
    return passing(denied, "this peer may not write here");
  }
  if (word == "no_user") {
    return permanent_failure(no_user, "there is no such mailbox");
  }
  if (word == "too_big") {
    return permanent_failure(too_big, "the message is too big");
  }
  if (word == "perm") {
    return permanent_failure(perm, "the message cannot be stored");
  }
  if (word == "unknown_outcome") {
    return unknown_outcome("the disk did not answer");
  }
  throw std::logic_error(fmt::format("no failure is called {}", word));
}

} // namespace homeward::store_protocol::testing
