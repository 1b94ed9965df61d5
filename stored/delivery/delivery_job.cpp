#include "stored/delivery/delivery_job.hpp"

#include <utility>

#include "stored/delivery/delivery_log.hpp"

namespace homeward::stored {

using store_protocol::outcome;
using store_protocol::stored_as;

delivery_job::delivery_job(delivery_request request, std::shared_ptr<pending_delivery> answers,
                           identity_store& identities, deliveries_in_hand& in_hand,
                           steady_time began)
    : request_(std::move(request)), answers_(std::move(answers)), identities_(&identities),
      in_hand_(&in_hand), began_(began) {}

delivery_job::~delivery_job() {
  fail(transient_failure("the delivery was given up"));
}

void delivery_job::claim_recipients() {
  const store_protocol::message_name& name = request_.envelope.name;
  for (std::size_t i = 0; i < request_.envelope.recipients.size(); ++i) {
    const identity id = identity_of(name.key, mailbox_of(i));
    auto join = [answers = answers_, i](const outcome& shared) { answers->settle(i, shared); };
    claim c = identities_->claim_or_join(id, name, std::move(join));
    switch (c.result) {
    case claim_result::mine: mine_.push_back({i, id}); break;
    case claim_result::joined: break;
    case claim_result::known:
      log_repeat(request_, mailbox_of(i), c.name);
      answers_->settle(i, stored_as{.name = std::move(c.name), .repeat = true});
      break;
    case claim_result::crowded:
      answers_->settle(i, transient_failure("this delivery is under way and takes long"));
      break;
    }
  }
}

void delivery_job::refuse_crowded(std::size_t per_mailbox) {
  std::vector<claimed> accepted;
  for (claimed& c : mine_) {
    c.in_hand = in_hand_->take(mailbox_of(c.recipient), per_mailbox);
    if (c.in_hand) {
      accepted.push_back(c);
    } else {
      fail_one(c, transient_failure("too many deliveries for this mailbox at the same time"));
    }
  }
  mine_ = std::move(accepted);
}

std::vector<std::string> delivery_job::mailboxes() const {
  std::vector<std::string> all;
  all.reserve(mine_.size());
  for (const claimed& c : mine_) {
    all.push_back(mailbox_of(c.recipient));
  }
  return all;
}

std::vector<journal::logged_identity>
delivery_job::identities(std::span<const result<maildir::filed>> results) const {
  const store_protocol::message_name& name = request_.envelope.name;
  std::vector<journal::logged_identity> filed;
  for (std::size_t i = 0; i < mine_.size(); ++i) {
    if (results[i]) {
      filed.push_back({mine_[i].id.high, mine_[i].id.low, name.seconds, name.origin});
    }
  }
  return filed;
}

void delivery_job::finish(std::span<const result<maildir::filed>> results, steady_time now) {
  const std::vector<claimed> finished = std::exchange(mine_, {});
  for (std::size_t i = 0; i < finished.size(); ++i) {
    finish_one(finished[i], results[i], now);
  }
}

void delivery_job::finish_one(const claimed& c, const result<maildir::filed>& r, steady_time now) {
  if (!r) {
    fail_one(c, r.error());
    return;
  }
  give_back(c);
  // Remembered before it is answered: the repeat may come on the heels of the answer.
  identities_->done(c.id, request_.envelope.name);
  const bool told = answers_->settle(
      c.recipient, stored_as{.name = to_string(request_.envelope.name), .repeat = r->repeat});
  log_stored(request_, mailbox_of(c.recipient), *r, now - began_, told);
}

void delivery_job::fail(const failure& why) {
  const std::vector<claimed> failed = std::exchange(mine_, {});
  for (const claimed& c : failed) {
    fail_one(c, why);
  }
}

void delivery_job::fail_one(const claimed& c, const failure& why) {
  give_back(c);
  identities_->failed(c.id, why);
  answers_->settle(c.recipient, why);
  log_refused(request_, mailbox_of(c.recipient), why);
}

void delivery_job::give_back(const claimed& c) {
  if (c.in_hand) {
    in_hand_->give_back(mailbox_of(c.recipient));
  }
}

} // namespace homeward::stored
