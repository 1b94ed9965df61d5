#include "stored/delivery/delivery_service.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace homeward::stored {

std::shared_ptr<pending_delivery> delivery_service::deliver(delivery_request request,
                                                            delivery_completion completion) {
  const auto answers =
      std::make_shared<pending_delivery>(request.envelope.recipients.size(), std::move(completion));
  const auto job = std::make_shared<delivery_job>(std::move(request), answers, *identities_,
                                                  in_hand_, clock_->steady_now());
  // 1. Who has it already? A repeat is answered now, one in progress waits for the other's outcome.
  job->claim_recipients();
  // 2. Which mailbox is flooded? It is refused now, so that its neighbours need not wait behind it.
  job->refuse_crowded(limits().per_mailbox);
  // 3. The others wait for a worker of their volume.
  if (job->has_work()) {
    wait_for_worker(job);
  }
  return answers;
}

void delivery_service::wait_for_worker(const std::shared_ptr<delivery_job>& job) {
  const open_partition& partition = *job->request().partition;
  const delivery_limits now = limits();
  const result<void> accepted =
      workers_of(partition.device)
          .submit(partition.where.name(), [this, job] { file(*job); },
                  {.waiting = now.per_partition, .stuck_after = now.commit});
  if (!accepted) {
    job->fail(accepted.error());
  }
}

void delivery_service::file(delivery_job& job) {
  // 4. Nobody waits for it any more? Then nothing of it shall appear.
  if (clock_->steady_now() - job.began() >= limits().commit) {
    job.fail(transient_failure("the message waited too long for its partition"));
    return;
  }
  // 5. File it: when this returns, what succeeded is complete, durable and visible.
  const delivery_request& r = job.request();
  const auto results = r.partition->writer.deliver(
      {.message = r.message.get(), .name = to_string(r.envelope.name), .sender = r.envelope.sender},
      job.mailboxes());
  // 6. Remember each identity, tell whoever joined it, and answer.
  job.finish(results, clock_->steady_now());
}

delivery_service::delivery_service(identity_store& identities, const clock_source& clock,
                                   worker_limits workers, delivery_limits limits)
    : identities_(&identities), clock_(&clock), workers_(workers), limits_(limits) {}

volume_workers& delivery_service::workers_of(std::uint64_t device) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<volume_workers>& volume = volumes_[device];
  if (!volume) {
    volume = std::make_unique<volume_workers>(*clock_, workers_);
  }
  return *volume;
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
  std::vector<volume_workers*> volumes;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [device, volume] : volumes_) {
      volumes.push_back(volume.get());
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
