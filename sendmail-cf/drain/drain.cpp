#include "sendmail-cf/drain/drain.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "lib/base/escape.hpp"
#include "lib/mta_queue/job_mover.hpp"
#include "lib/mta_queue/leftovers.hpp"

#include "sendmail-cf/drain/workshop.hpp"
#include "sendmail-cf/tool/filling.hpp"

namespace homeward::sendmail_cf {

namespace {

using mta_queue::file_kind;
using mta_queue::move_outcome;
using mta_queue::move_result;
using mta_queue::queue_directory;

constexpr std::size_t most_failures = 10;
// How many moments a job may stay locked after its runner has ended, before the batch is kept.
constexpr int patience = 50;

// A batch that a runner works on.
struct batch_at_work {
  std::string path;
  std::set<std::string> jobs;
  pid_t runner = 0;
};

bool always(const mta_queue::queue_file& /*q*/) {
  return true;
}

result<void> check_volume(fs::file_system& files, const std::vector<queue_directory>& from,
                          const queue_directory& batch) {
  const auto there = files.status(batch.envelopes());
  for (const queue_directory& d : from) {
    const auto here = files.status(d.envelopes());
    if (!here || !there || here->device != there->device) {
      failure f = permanent_failure(failure_reason::perm,
                                    fmt::format("{} and {} are not on the same file system",
                                                escape(d.path(), 400), escape(batch.path(), 400)));
      f.advice = "Name a working directory on the file system of the queue with --work.";
      return f;
    }
  }
  return {};
}

class drain_run {
 public:
  drain_run(fs::file_system& files, const drain_options& options, const drain_world& world,
            const std::function<void(const drain_report&)>& on_progress)
      : files_(files), options_(options), world_(world), on_progress_(on_progress),
        mover_(files, options.runner) {}

  result<void> open();
  void run();
  void clean_up();
  drain_report&& report() { return std::move(report_); }

 private:
  result<void> repair();
  result<void> list_source();
  void fill_slots();
  bool start_left_batch();
  bool start_new_batch();
  void take_jobs(const queue_directory& batch, std::set<std::string>& jobs);
  void start_runner(std::string path, std::set<std::string> jobs);
  void look_for_ended();
  void settle(batch_at_work& batch, int status);
  void put_back(const queue_directory& batch);
  void note(const move_outcome& outcome, const queue_directory& where, const std::string& id);
  [[nodiscard]] bool may_start() const {
    return !report_.interrupted && !report_.runner_status &&
           report_.failures.size() < most_failures && at_work_.size() < options_.parallel;
  }

  fs::file_system& files_;
  const drain_options& options_;
  const drain_world& world_;
  const std::function<void(const drain_report&)>& on_progress_;
  mta_queue::job_mover mover_;
  std::vector<queue_directory> from_;
  std::optional<workshop> work_;
  std::vector<std::string> left_; // batches of an earlier drain, not yet begun
  std::vector<std::pair<std::size_t, std::string>> source_; // jobs not yet taken, the oldest last
  std::vector<batch_at_work> at_work_;
  drain_report report_;
};

// --- The beginning -------------------------------------------------------------------

result<void> drain_run::open() {
  auto from = mta_queue::open_pattern(files_, options_.from);
  if (from.has_error()) {
    return from.error();
  }
  from_ = std::move(*from);
  for (const queue_directory& d : from_) {
    if ((options_.work + '/').starts_with(d.path() + '/')) {
      failure f = permanent_failure(failure_reason::perm,
                                    escape(options_.work, 400) + " lies in the queue itself");
      f.advice = "Name a working directory beside the queue with --work.";
      return f;
    }
  }
  auto work = workshop::open(files_, options_.work);
  if (work.has_error()) {
    return work.error();
  }
  work_ = std::move(*work);
  const auto place = queue_directory::open(files_, options_.work);
  if (place.has_error()) {
    return place.error();
  }
  if (const auto one = check_volume(files_, from_, *place); one.has_error()) {
    work_->remove(files_);
    return one.error();
  }
  auto left = work_->left_batches(files_);
  if (left.has_error()) {
    return left.error();
  }
  left_ = std::move(*left);
  std::reverse(left_.begin(), left_.end());
  const auto repaired = repair();
  return repaired.has_error() ? repaired : list_source();
}

// What a drain that was killed left of jobs that it was just moving.
result<void> drain_run::repair() {
  if (left_.empty()) {
    return {};
  }
  std::vector<queue_directory> all;
  std::vector<std::string> paths = left_;
  for (const queue_directory& d : from_) {
    paths.push_back(d.path());
  }
  for (const std::string& path : paths) {
    auto opened = queue_directory::open(files_, path);
    if (opened.has_error()) {
      return opened.error();
    }
    all.push_back(std::move(*opened));
  }
  const auto repaired = mta_queue::repair_leftovers(files_, all, {.now = options_.now});
  if (repaired.has_error()) {
    return repaired.error();
  }
  // In the batches nobody receives mail: a body there that is a day old belongs to nobody.
  all.erase(all.begin() + static_cast<std::ptrdiff_t>(left_.size()), all.end());
  const auto cleared =
      mta_queue::repair_leftovers(files_, all, {.remove_orphans = true, .now = options_.now});
  return cleared.has_error() ? result<void>(cleared.error()) : result<void>();
}

result<void> drain_run::list_source() {
  for (std::size_t i = 0; i < from_.size(); ++i) {
    const auto listing = from_[i].list(files_);
    if (!listing) {
      return fs::to_failure(listing.error(), from_[i].path());
    }
    for (const std::string& id : listing->envelopes) {
      source_.emplace_back(i, id);
    }
  }
  report_.waiting = source_.size();
  // Ids begin with the time. The oldest mail goes first.
  std::stable_sort(source_.begin(), source_.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return {};
}

// --- Batches -------------------------------------------------------------------------

void drain_run::run() {
  for (;;) {
    if (!report_.interrupted && world_.is_interrupted()) {
      report_.interrupted = true;
      for (const batch_at_work& batch : at_work_) {
        world_.stop(batch.runner);
      }
    }
    fill_slots();
    if (at_work_.empty()) {
      return;
    }
    world_.pause();
    look_for_ended();
    report_.running = at_work_.size();
    on_progress_(report_);
  }
}

void drain_run::fill_slots() {
  while (may_start() && (start_left_batch() || start_new_batch())) {
    report_.running = at_work_.size();
    on_progress_(report_);
  }
}

bool drain_run::start_left_batch() {
  if (left_.empty()) {
    return false;
  }
  const std::string path = left_.back();
  left_.pop_back();
  const auto opened = queue_directory::open(files_, path);
  const auto listing = opened.has_value()
                           ? opened->list(files_)
                           : fs::io_result<mta_queue::queue_listing>(fs::io_error{5, "open"});
  if (!listing) {
    report_.failures.push_back(fs::to_failure(listing.error(), path));
    return true;
  }
  if (listing->envelopes.empty()) {
    if (!work_->remove_batch(files_, path)) {
      report_.kept.push_back(path);
    }
    return true;
  }
  report_.resumed += listing->envelopes.size();
  start_runner(path, {listing->envelopes.begin(), listing->envelopes.end()});
  return true;
}

bool drain_run::start_new_batch() {
  if (source_.empty() || (options_.limit && report_.tried >= *options_.limit)) {
    return false;
  }
  auto path = work_->make_batch(files_);
  if (path.has_error()) {
    report_.failures.push_back(path.error());
    return false;
  }
  const auto batch = queue_directory::open(files_, *path);
  if (batch.has_error()) {
    report_.failures.push_back(batch.error());
    return false;
  }
  std::set<std::string> jobs;
  take_jobs(*batch, jobs);
  if (jobs.empty()) {
    (void)work_->remove_batch(files_, *path);
    return false;
  }
  start_runner(std::move(*path), std::move(jobs));
  return true;
}

void drain_run::take_jobs(const queue_directory& batch, std::set<std::string>& jobs) {
  while (jobs.size() < options_.batch && !source_.empty() &&
         report_.failures.size() < most_failures && !world_.is_interrupted()) {
    std::uint64_t room =
        std::min<std::uint64_t>(options_.batch - jobs.size(), mta_queue::most_at_once);
    if (options_.limit) {
      room = std::min(room, *options_.limit - report_.tried - jobs.size());
    }
    if (room == 0) {
      return;
    }
    // The next ones by age, each directory's together.
    std::map<std::size_t, std::vector<std::string>> next;
    for (; room > 0 && !source_.empty(); --room) {
      next[source_.back().first].push_back(std::move(source_.back().second));
      source_.pop_back();
    }
    for (const auto& [where, ids] : next) {
      const auto outcomes = mover_.move_some(from_[where], batch, ids, always);
      for (std::size_t i = 0; i < ids.size(); ++i) {
        if (outcomes[i].result == move_result::moved) {
          jobs.insert(ids[i]);
        }
        note(outcomes[i], from_[where], ids[i]);
      }
    }
  }
}

void drain_run::note(const move_outcome& outcome, const queue_directory& where,
                     const std::string& id) {
  switch (outcome.result) {
  case move_result::locked: ++report_.locked; break;
  case move_result::skipped:
    report_.skipped.add(outcome.why, where.path_of(file_kind::envelope, id));
    break;
  case move_result::failed: report_.failures.push_back(outcome.cause); break;
  case move_result::moved:
  case move_result::unwanted:
  case move_result::gone: break;
  }
}

void drain_run::start_runner(std::string path, std::set<std::string> jobs) {
  ++report_.batches;
  report_.tried += jobs.size();
  auto runner = world_.start(path);
  batch_at_work batch{.path = std::move(path), .jobs = std::move(jobs)};
  if (runner.has_error()) {
    report_.failures.push_back(runner.error());
    settle(batch, 0);
    return;
  }
  batch.runner = *runner;
  at_work_.push_back(std::move(batch));
}

void drain_run::look_for_ended() {
  for (std::size_t i = 0; i < at_work_.size();) {
    const auto status = world_.ended(at_work_[i].runner);
    if (!status) {
      ++i;
      continue;
    }
    batch_at_work batch = std::move(at_work_[i]);
    at_work_.erase(at_work_.begin() + static_cast<std::ptrdiff_t>(i));
    settle(batch, *status);
  }
}

// The runner has ended: what is left goes back.
void drain_run::settle(batch_at_work& batch, int status) {
  const auto opened = queue_directory::open(files_, batch.path);
  if (opened.has_error()) {
    report_.failures.push_back(opened.error());
    return;
  }
  const auto listing = opened->list(files_);
  if (!listing) {
    report_.failures.push_back(fs::to_failure(listing.error(), batch.path));
    return;
  }
  const auto left = static_cast<std::uint64_t>(
      std::count_if(batch.jobs.begin(), batch.jobs.end(), [&](const std::string& id) {
        return std::binary_search(listing->envelopes.begin(), listing->envelopes.end(), id) ||
               std::binary_search(listing->quarantined.begin(), listing->quarantined.end(), id) ||
               std::binary_search(listing->lost.begin(), listing->lost.end(), id);
      }));
  const std::uint64_t delivered = batch.jobs.size() - left;
  report_.delivered += delivered;
  if (status != 0 && delivered == 0 && !report_.interrupted) {
    report_.runner_status = status;
  }
  put_back(*opened);
  if (!work_->remove_batch(files_, batch.path)) {
    report_.kept.push_back(batch.path);
  }
}

void drain_run::put_back(const queue_directory& batch) {
  auto counted = filling::of(files_, from_);
  if (counted.has_error()) {
    report_.failures.push_back(counted.error());
    return;
  }
  std::set<std::string> noted;
  for (int attempt = 0; attempt < patience; ++attempt) {
    const auto listing = batch.list(files_);
    if (!listing) {
      report_.failures.push_back(fs::to_failure(listing.error(), batch.path()));
      return;
    }
    bool locked = false;
    std::span<const std::string> left = listing->envelopes;
    while (!left.empty()) {
      const auto some = left.first(std::min(left.size(), mta_queue::most_at_once));
      left = left.subspan(some.size());
      const std::size_t where = counted->least();
      const auto outcomes = mover_.move_some(batch, from_[where], some, always);
      for (std::size_t i = 0; i < some.size(); ++i) {
        if (outcomes[i].result == move_result::moved) {
          ++report_.put_back;
          counted->added(where);
        } else if (outcomes[i].result == move_result::locked) {
          locked = true;
        } else if (noted.insert(some[i]).second) {
          note(outcomes[i], batch, some[i]);
        }
      }
    }
    if (!locked) {
      return;
    }
    world_.pause();
  }
}

void drain_run::clean_up() {
  // Not begun, because the drain was broken off.
  for (const std::string& path : left_) {
    const auto opened = queue_directory::open(files_, path);
    if (opened.has_value()) {
      put_back(*opened);
    }
    if (!work_->remove_batch(files_, path)) {
      report_.kept.push_back(path);
    }
  }
  left_.clear();
  work_->remove(files_);
}

} // namespace

result<drain_report> drain(fs::file_system& files, const drain_options& options,
                           const drain_world& world,
                           const std::function<void(const drain_report&)>& on_progress) {
  drain_run r(files, options, world, on_progress);
  if (auto opened = r.open(); opened.has_error()) {
    return opened.error();
  }
  r.run();
  r.clean_up();
  return r.report();
}

result<drain_plan> plan_drain(fs::file_system& files, const drain_options& options) {
  drain_plan plan;
  const auto from = mta_queue::expand_pattern(files, options.from);
  if (from.has_error()) {
    return from.error();
  }
  const auto left = workshop::batches_in(files, options.work);
  if (left.has_error()) {
    return left.error();
  }
  for (const auto& [paths, into] : {std::pair{&*from, &plan.from}, std::pair{&*left, &plan.left}}) {
    for (const std::string& path : *paths) {
      const auto opened = queue_directory::open(files, path);
      if (opened.has_error()) {
        return opened.error();
      }
      const auto listing = opened->list(files);
      if (!listing) {
        return fs::to_failure(listing.error(), path);
      }
      into->emplace_back(path, listing->envelopes.size());
      plan.jobs += listing->envelopes.size();
    }
  }
  return plan;
}

} // namespace homeward::sendmail_cf
