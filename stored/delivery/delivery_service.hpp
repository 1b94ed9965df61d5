#pragma once
// The write path: takes one message for the recipients of one partition and answers for each of
// them. A success is an acknowledgement: the whole message and its envelope are on stable storage
// and the message is visible in the recipient's Maildir. delivery_service.cpp reads as the list of
// its steps.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "lib/base/clock.hpp"

#include "stored/delivery/deliveries_in_hand.hpp"
#include "stored/delivery/delivery_job.hpp"
#include "stored/delivery/volume_workers.hpp"
#include "stored/quota/quota_keeper.hpp"

namespace homeward::stored {

// What may be in hand at once, and for how long.
struct delivery_limits {
  std::size_t per_mailbox = 50;    // waiting and being filed; more are refused at once
  std::size_t per_partition = 512; // waiting for a worker; more are refused at once
  std::chrono::seconds commit{60}; // from the last octet to the answer
};

// Safe from any thread. deliver() never blocks: filing runs on the workers of the partition's
// volume.
class delivery_service {
 public:
  // `identities` and `clock` must outlive it.
  delivery_service(identity_store& identities, const clock_source& clock, worker_limits workers,
                   delivery_limits limits, const quota_limits& quota = {});

  // Begins a delivery. `completion` is called once, perhaps before this returns, with one outcome
  // per recipient of the envelope. Every failure is one recipient's own: the others are not
  // disturbed. Whoever waits no longer than limits().commit calls give_up() on what is returned; a
  // delivery that succeeds later is remembered, so the repeat is answered as stored.
  std::shared_ptr<pending_delivery> deliver(delivery_request request,
                                            delivery_completion completion);

  // The load of the workers of a volume, 0..100; without one, of the busiest.
  [[nodiscard]] unsigned busy_percent(std::optional<std::uint64_t> device) const;

  // What mailboxes hold, and their limits.
  [[nodiscard]] quota_keeper& quota() { return quota_; }

  void set_limits(delivery_limits limits);
  [[nodiscard]] delivery_limits limits() const;

  // Drops what waits and waits for what is being filed. False when something still hangs after
  // `limit`; the process should then end without destroying this.
  [[nodiscard]] bool stop(std::chrono::nanoseconds limit);

 private:
  using job_pointer = std::shared_ptr<delivery_job>;
  using filing_results = std::vector<result<maildir::filed>>;

  void store(const job_pointer& job);
  void count_then_store(const job_pointer& job, const job_pointer& uncounted);
  void count_then_store_late(const job_pointer& uncounted);
  // The three ways to durability, by what the volume has and how large the message is.
  void file_durably(const job_pointer& job);
  void journal_then_file(const job_pointer& job, journal::delivery_record r);
  void file_then_journal(const job_pointer& job);

  void refuse_without_room(delivery_job& job);
  void on_worker(const job_pointer& job, std::function<void(const job_pointer&)> work);
  [[nodiscard]] bool is_too_late(delivery_job& job) const;
  void file_committed(const job_pointer& job, journal::record_number n);
  void finish_journaled(delivery_job& job, journal::record_number n, const filing_results& results);
  void record_filed(const job_pointer& job);
  [[nodiscard]] volume_workers& workers_of(std::uint64_t device);
  [[nodiscard]] result<void> count_on_worker(const counted_place& place, urgency how,
                                             std::function<void()> task);

  identity_store* identities_;
  const clock_source* clock_;
  const worker_limits workers_;
  deliveries_in_hand in_hand_;
  quota_keeper quota_;
  mutable std::mutex mutex_; // guards all below
  delivery_limits limits_;
  std::map<std::uint64_t, std::unique_ptr<volume_workers>> counters_; // by device
  std::map<std::uint64_t, std::unique_ptr<volume_workers>> volumes_;  // by device
};

} // namespace homeward::stored
