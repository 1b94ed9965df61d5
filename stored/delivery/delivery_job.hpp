#pragma once
// A delivery on its way through the write path. It owns what must be given back on every way out:
// claims on identities and places in hand. Whatever is not finished when it ends is answered as a
// passing fault.

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "lib/base/clock.hpp"
#include "lib/maildir/writer.hpp"

#include "stored/delivery/deliveries_in_hand.hpp"
#include "stored/delivery/delivery_request.hpp"
#include "stored/delivery/identity_store.hpp"
#include "stored/delivery/pending_delivery.hpp"
#include "stored/journal/identity_log.hpp"
#include "stored/quota/quota_keeper.hpp"

namespace homeward::stored {

// One thread at a time. `identities` and `in_hand` must outlive it.
class delivery_job {
 public:
  delivery_job(delivery_request request, std::shared_ptr<pending_delivery> answers,
               identity_store& identities, deliveries_in_hand& in_hand, steady_time began);
  ~delivery_job();
  delivery_job(const delivery_job&) = delete;
  delivery_job& operator=(const delivery_job&) = delete;

  // Asks the identities about every recipient. Those known are answered as repeats, those in
  // progress join; the others are this job's to file.
  void claim_recipients();
  // Answers those of its recipients whose mailbox has `per_mailbox` deliveries in hand already.
  void refuse_crowded(std::size_t per_mailbox);

  // Asks for room in the mailboxes that have a limit, and answers those of its recipients whose
  // mailbox has none. Those whose mailbox has to be counted first leave for a job of their own,
  // which is returned (null: none); when that was done, `is_last_word`, all are decided.
  [[nodiscard]] std::shared_ptr<delivery_job> ask_for_room(quota_keeper& quota, bool is_last_word);

  // The recipients of `other`, which came of this job, are this one's again.
  void take_back(delivery_job& other);

  // The recipients that are still this job's, in the order of the envelope.
  [[nodiscard]] std::vector<std::string> mailboxes() const;
  [[nodiscard]] bool has_work() const { return !mine_.empty(); }
  // The identities of those that are filed; results[i] belongs to mailboxes()[i].
  [[nodiscard]] std::vector<journal::logged_identity>
  identities(std::span<const result<maildir::filed>> results) const;
  // Answers all of them: results[i] belongs to mailboxes()[i].
  void finish(std::span<const result<maildir::filed>> results, steady_time now);
  // Answers all of them alike.
  void fail(const failure& why);

  [[nodiscard]] const delivery_request& request() const { return request_; }
  [[nodiscard]] steady_time began() const { return began_; }

 private:
  struct claimed {
    std::size_t recipient; // index in the envelope
    identity id;
    bool in_hand = false;
    promised_room promise = {};
  };
  [[nodiscard]] const std::string& mailbox_of(std::size_t recipient) const {
    return request_.envelope.recipients[recipient].mailbox;
  }
  [[nodiscard]] room_verdict ask_for_room(quota_keeper& quota, std::size_t recipient,
                                          bool is_last_word) const;
  void finish_one(claimed& c, const result<maildir::filed>& r, steady_time now);
  void fail_one(claimed& c, const failure& why);
  void give_back(claimed& c);

  delivery_request request_;
  std::shared_ptr<pending_delivery> answers_;
  identity_store* identities_;
  deliveries_in_hand* in_hand_;
  steady_time began_;
  std::vector<claimed> mine_;
};

} // namespace homeward::stored
