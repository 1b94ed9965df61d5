#include "stored/delivery/delivery_job.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "lib/mail/trace.hpp"

#include "stored/delivery/delivery_log.hpp"

namespace homeward::stored {

using store_protocol::outcome;
using store_protocol::stored_as;

namespace {

// As many octets as the file can have at most: the message as it came, and its trace lines.
std::uint64_t largest_file(const delivery_request& r, const std::string& mailbox) {
  return r.message->size() + mail::return_path_line(r.envelope.sender).size() + 1 +
         mail::delivered_to_line(mailbox).size() + 1;
}

} // namespace

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
      accepted.push_back(std::move(c));
    } else {
      fail_one(c, transient_failure("too many deliveries for this mailbox at the same time"));
    }
  }
  mine_ = std::move(accepted);
}

std::shared_ptr<delivery_job> delivery_job::ask_for_room(quota_keeper& quota, bool is_last_word) {
  const auto has_limit = [this](const claimed& c) {
    return request_.envelope.recipients[c.recipient].quota_limit.octets != 0;
  };
  if (std::none_of(mine_.begin(), mine_.end(), has_limit)) {
    return nullptr;
  }
  std::vector<claimed> accepted;
  std::vector<claimed> uncounted;
  for (claimed& c : mine_) {
    room_verdict verdict;
    if (has_limit(c)) {
      verdict = ask_for_room(quota, c.recipient, is_last_word);
    }
    switch (verdict.is) {
    case room::granted:
      c.promise = std::move(verdict.promise);
      accepted.push_back(std::move(c));
      break;
    case room::count_first: uncounted.push_back(std::move(c)); break;
    case room::over:
    case room::taken: fail_one(c, verdict.why); break;
    }
  }
  mine_ = std::move(accepted);
  if (uncounted.empty()) {
    return nullptr;
  }
  auto later = std::make_shared<delivery_job>(request_, answers_, *identities_, *in_hand_, began_);
  later->mine_ = std::move(uncounted);
  return later;
}

void delivery_job::take_back(delivery_job& other) {
  std::move(other.mine_.begin(), other.mine_.end(), std::back_inserter(mine_));
  other.mine_.clear();
  std::sort(mine_.begin(), mine_.end(),
            [](const claimed& a, const claimed& b) { return a.recipient < b.recipient; });
}

room_verdict delivery_job::ask_for_room(quota_keeper& quota, std::size_t recipient,
                                        bool is_last_word) const {
  const store_protocol::envelope& e = request_.envelope;
  const std::string name = to_string(e.name);
  return quota.ask(place_of(request_.partition),
                   {.key = {request_.partition->where.name(), mailbox_of(recipient)},
                    .name = name,
                    .limit = e.recipients[recipient].quota_limit.octets,
                    .size = largest_file(request_, mailbox_of(recipient)),
                    .asked = began_},
                   is_last_word);
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
  std::vector<claimed> finished = std::exchange(mine_, {});
  for (std::size_t i = 0; i < finished.size(); ++i) {
    finish_one(finished[i], results[i], now);
  }
}

void delivery_job::finish_one(claimed& c, const result<maildir::filed>& r, steady_time now) {
  if (!r) {
    fail_one(c, r.error());
    return;
  }
  if (!r->repeat) {
    c.promise.filed(r->size);
  }
  give_back(c);
  // Remembered before it is answered: the repeat may come on the heels of the answer.
  identities_->done(c.id, request_.envelope.name);
  const bool told = answers_->settle(
      c.recipient, stored_as{.name = to_string(request_.envelope.name), .repeat = r->repeat});
  log_stored(request_, mailbox_of(c.recipient), *r, now - began_, told);
}

void delivery_job::fail(const failure& why) {
  std::vector<claimed> failed = std::exchange(mine_, {});
  for (claimed& c : failed) {
    fail_one(c, why);
  }
}

void delivery_job::fail_one(claimed& c, const failure& why) {
  give_back(c);
  identities_->failed(c.id, why);
  log_refused(request_, mailbox_of(c.recipient), why);
  answers_->settle(c.recipient, why);
}

void delivery_job::give_back(claimed& c) {
  c.promise = {};
  if (c.in_hand) {
    in_hand_->give_back(mailbox_of(c.recipient));
  }
}

} // namespace homeward::stored
