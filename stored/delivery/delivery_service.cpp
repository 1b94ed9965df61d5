#include "stored/delivery/delivery_service.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "stored/delivery/journal_records.hpp"

namespace homeward::stored {
namespace {

// Counting, for each volume: a partition that hangs leaves some to its neighbours.
constexpr std::chrono::milliseconds moment{100};
constexpr worker_limits counting_workers{.workers = 4, .per_partition = 2, .awake = 4};
constexpr std::size_t most_counts = 1000;         // waiting, for one partition
constexpr std::size_t most_counts_some_time = 64; // ... that nobody waits for

} // namespace

std::shared_ptr<pending_delivery> delivery_service::deliver(delivery_request request,
                                                            delivery_completion completion) {
  const auto answers =
      std::make_shared<pending_delivery>(request.envelope.recipients.size(), std::move(completion));
  const auto job = std::make_shared<delivery_job>(std::move(request), answers, *identities_,
                                                  in_hand_, clock_->steady_now());
  // 1. Who has it already? A repeat is answered now, one in progress waits for the other's outcome.
  job->claim_recipients();
  // 2. Which mailbox is flooded, is the partition overrun? Refused now, so that others need not
  //    wait behind it.
  job->refuse_crowded(limits().per_mailbox);
  refuse_without_room(*job);
  // 3. Whose mailbox is over its limit? Refused now, after a count if need be.
  if (const job_pointer uncounted = job->ask_for_room(quota_, false)) {
    count_then_store(job, uncounted);
  } else {
    store(job);
  }
  return answers;
}

// Nearly always that takes no longer than a moment, and the message stays one file for all. A
// mailbox that takes longer follows with a file of its own, so that it delays nobody else.
void delivery_service::count_then_store(const job_pointer& job, const job_pointer& uncounted) {
  quota_.count_then(place_of(job->request().partition), uncounted->mailboxes(), moment,
                    [this, job, uncounted] {
                      const job_pointer still = uncounted->ask_for_room(quota_, false);
                      job->take_back(*uncounted);
                      store(job);
                      if (still) {
                        count_then_store_late(still);
                      }
                    });
}

void delivery_service::count_then_store_late(const job_pointer& uncounted) {
  quota_.count_then(place_of(uncounted->request().partition), uncounted->mailboxes(),
                    quota_keeper::longest_wait, [this, uncounted] {
                      (void)uncounted->ask_for_room(quota_, true);
                      store(uncounted);
                    });
}

void delivery_service::store(const job_pointer& job) {
  if (!job->has_work()) {
    return;
  }
  // 4. Durable and filed, in the order that suits. Each way ends with: remember the identities,
  //    tell whoever joined them, and answer.
  const open_partition& partition = *job->request().partition;
  if (partition.journal == nullptr) {
    on_worker(job, [this](const job_pointer& j) { file_durably(j); });
  } else if (std::optional<journal::delivery_record> r = record_of(*job, *clock_)) {
    journal_then_file(job, std::move(*r));
  } else {
    on_worker(job, [this](const job_pointer& j) { file_then_journal(j); });
  }
}

// Without a journal: when the writer returns, what succeeded is complete, durable and visible.
void delivery_service::file_durably(const job_pointer& job) {
  if (!is_too_late(*job)) {
    const auto results = file(*job, job->request().partition->writer);
    job->finish(results, clock_->steady_now());
  }
}

// 4a. The usual way: the record is durable before anything appears in a Maildir, so that whatever
//     a reader sees survives a power cut, and nothing has to be taken out again. Filing runs while
//     the next group is being synced.
void delivery_service::journal_then_file(const job_pointer& job, journal::delivery_record r) {
  const std::shared_ptr<journal::volume_journal>& journal = job->request().partition->journal;
  journal->append(std::move(r), job, [this, job](const result<journal::record_number>& n) {
    if (!n) {
      job->fail(n.error());
      return;
    }
    on_worker(job, [this, n = *n](const job_pointer& j) { file_committed(j, n); });
  });
}

void delivery_service::file_committed(const job_pointer& job, journal::record_number n) {
  auto results = file(*job, job->request().partition->writer);
  journal::abort_record refused = refused_of(n, results);
  if (refused.recipients.empty()) {
    finish_journaled(*job, n, results);
    return;
  }
  // Recovery must not file what the sender is about to hear is refused.
  job->request().partition->journal->append(
      std::move(refused), [this, job, n, results = std::move(results)](
                              const result<journal::record_number>& recorded) mutable {
        if (recorded) {
          finish_journaled(*job, n, results);
        } else {
          make_transient(results, recorded.error());
          job->finish(results, clock_->steady_now());
        }
      });
}

// Settled before it is answered: what was answered is never filed again within this boot.
void delivery_service::finish_journaled(delivery_job& job, journal::record_number n,
                                        const filing_results& results) {
  job.request().partition->journal->settle(n, job.identities(results));
  job.finish(results, clock_->steady_now());
}

// 4b. A message too large to be written twice: filed durably by itself, then recorded without its
//     octets, for its identities and for whoever follows the journal.
void delivery_service::file_then_journal(const job_pointer& job) {
  if (is_too_late(*job)) {
    return;
  }
  const open_partition& partition = *job->request().partition;
  auto results = file(*job, job->request().partition->durable_writer);
  journal::delivery_record r = record_of_filed(*job, results, *clock_);
  if (r.mailboxes.empty()) {
    job->finish(results, clock_->steady_now());
    return;
  }
  partition.journal->append(
      std::move(r), job,
      [this, job, results = std::move(results)](const result<journal::record_number>& n) {
        if (n) {
          finish_journaled(*job, *n, results);
          return;
        }
        take_out(*job, results);
        job->fail(n.error());
      });
}

void delivery_service::refuse_without_room(delivery_job& job) {
  if (!job.has_work()) {
    return;
  }
  const open_partition& partition = *job.request().partition;
  if (partition.journal != nullptr) {
    if (const std::optional<failure> why = partition.journal->unusable()) {
      job.fail(*why);
      return;
    }
  }
  const delivery_limits now = limits();
  const result<void> room = workers_of(partition.device)
                                .admits(partition.where.name(),
                                        {.waiting = now.per_partition, .stuck_after = now.commit});
  if (!room) {
    job.fail(room.error());
  }
}

void delivery_service::on_worker(const job_pointer& job,
                                 std::function<void(const job_pointer&)> work) {
  const open_partition& partition = *job->request().partition;
  const result<void> accepted =
      workers_of(partition.device).submit(partition.where.name(), [job, work = std::move(work)] {
        work(job);
      });
  if (!accepted) {
    job->fail(accepted.error());
  }
}

// Nobody waits for it any more? Then nothing of it shall appear.
bool delivery_service::is_too_late(delivery_job& job) const {
  if (clock_->steady_now() - job.began() < limits().commit) {
    return false;
  }
  job.fail(transient_failure("the message waited too long for its partition"));
  return true;
}

delivery_service::delivery_service(identity_store& identities, const clock_source& clock,
                                   worker_limits workers, delivery_limits limits,
                                   const quota_limits& quota)
    : identities_(&identities), clock_(&clock), workers_(workers),
      quota_(clock, quota,
             [this](const counted_place& place, urgency how, std::function<void()> task) {
               return count_on_worker(place, how, std::move(task));
             }),
      limits_(limits) {}

volume_workers& delivery_service::workers_of(std::uint64_t device) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<volume_workers>& volume = volumes_[device];
  if (!volume) {
    volume = std::make_unique<volume_workers>(*clock_, workers_);
  }
  return *volume;
}

// On threads of its own: a listing waits for the disk, filing does not.
result<void> delivery_service::count_on_worker(const counted_place& place, urgency how,
                                               std::function<void()> task) {
  volume_workers* counters = nullptr;
  lane_limits room;
  {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<volume_workers>& volume = counters_[place.device];
    if (!volume) {
      volume = std::make_unique<volume_workers>(*clock_, counting_workers);
    }
    counters = volume.get();
    room = {.waiting = how == urgency::now ? most_counts : most_counts_some_time,
            .stuck_after = limits_.commit};
  }
  const result<void> admitted = counters->admits(place.where->name(), room);
  return admitted ? counters->submit(place.where->name(), std::move(task)) : admitted;
}

unsigned delivery_service::busy_percent(std::optional<std::uint64_t> device) const {
  const std::lock_guard lock(mutex_);
  unsigned busiest = 0;
  for (const auto& [volume, workers] : volumes_) {
    if (!device || *device == volume) {
      busiest = std::max(busiest, workers->busy_percent());
    }
  }
  return busiest;
}

void delivery_service::set_limits(delivery_limits limits) {
  const std::lock_guard lock(mutex_);
  limits_ = limits;
}

delivery_limits delivery_service::limits() const {
  const std::lock_guard lock(mutex_);
  return limits_;
}

bool delivery_service::stop(std::chrono::nanoseconds limit) {
  quota_.stop();
  std::vector<volume_workers*> volumes;
  {
    const std::lock_guard lock(mutex_);
    for (const auto* all : {&volumes_, &counters_}) {
      for (const auto& [device, volume] : *all) {
        volumes.push_back(volume.get());
      }
    }
  }
  const auto give_up = std::chrono::steady_clock::now() + limit;
  bool all = true;
  for (volume_workers* volume : volumes) {
    const std::chrono::nanoseconds left = give_up - std::chrono::steady_clock::now();
    all = volume->stop(std::max(left, std::chrono::nanoseconds(0))) && all;
  }
  return all;
}

} // namespace homeward::stored
