#include "sendmail-cf/requeue/requeue.hpp"

#include <algorithm>
#include <cerrno>
#include <set>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "lib/mta_queue/job_mover.hpp"

#include "sendmail-cf/tool/filling.hpp"

namespace homeward::sendmail_cf {

namespace {

using mta_queue::move_outcome;
using mta_queue::move_result;
using mta_queue::queue_directory;

constexpr std::size_t most_failures = 10;

class run {
 public:
  run(fs::file_system& files, const requeue_options& options) : files_(files), options_(options) {}

  result<void> open();
  result<void> repair();
  result<void> move_all(const std::function<void(std::uint64_t, std::uint64_t)>& on_progress);
  requeue_report&& report() { return std::move(report_); }

 private:
  [[nodiscard]] bool is_over() const {
    return report_.limit_reached || report_.failures.size() >= most_failures;
  }
  std::size_t chunk_for(std::size_t left) const;
  void move_some(std::size_t from, std::span<const std::string> ids);
  std::vector<move_outcome> perform(const queue_directory& from, const queue_directory& to,
                                    std::span<const std::string> ids);
  void note(std::size_t from, std::size_t to, const std::string& id, move_outcome outcome);
  result<std::set<std::string>> ids_elsewhere();

  fs::file_system& files_;
  const requeue_options& options_;
  std::vector<queue_directory> directories_; // the sources, then the targets
  std::vector<queue_directory> from_;
  std::vector<queue_directory> to_;
  filling filling_;
  std::uint64_t moved_ = 0;
  requeue_report report_;
};

result<void> run::open() {
  for (const auto& [pattern, into] :
       {std::pair{&options_.from, &from_}, std::pair{&options_.to, &to_}}) {
    auto opened = mta_queue::open_pattern(files_, *pattern);
    if (opened.has_error()) {
      return opened.error();
    }
    *into = std::move(*opened);
  }
  for (const queue_directory& a : from_) {
    for (const queue_directory& b : to_) {
      if (is_same(files_, a, b)) {
        failure f = permanent_failure(failure_reason::perm,
                                      a.path() + " is among the sources and the targets");
        f.advice = "Give each tier directories of its own.";
        return f;
      }
    }
  }
  for (const queue_directory& d : from_) {
    report_.from.push_back({.directory = d.path()});
  }
  for (const queue_directory& d : to_) {
    report_.to.emplace_back(d.path(), 0);
  }
  auto counted = filling::of(files_, to_);
  if (counted.has_error()) {
    return counted.error();
  }
  filling_ = std::move(*counted);
  return {};
}

// Of all jobs in the other queues. A queue that was never made has none; one that cannot be read
// may have any.
result<std::set<std::string>> run::ids_elsewhere() {
  std::set<std::string> ids;
  for (const std::string& pattern : options_.other_queues) {
    const auto paths = mta_queue::expand_pattern(files_, pattern);
    for (const std::string& path : paths.has_value() ? *paths : std::vector<std::string>{}) {
      const auto there = files_.open_directory(path);
      if (!there && there.error().number == ENOENT) {
        continue;
      }
      const auto opened = queue_directory::open(files_, path);
      if (opened.has_error()) {
        return opened.error();
      }
      const auto listing = opened->list(files_);
      if (!listing) {
        return fs::to_failure(listing.error(), path);
      }
      for (const auto* of : {&listing->envelopes, &listing->quarantined, &listing->lost}) {
        ids.insert(of->begin(), of->end());
      }
    }
    if (paths.has_error() && paths.error().kind != failure_kind::permanent) {
      return paths.error();
    }
  }
  return ids;
}

result<void> run::repair() {
  std::vector<queue_directory> all;
  for (const auto* side : {&from_, &to_}) {
    for (const queue_directory& d : *side) {
      auto again = queue_directory::open(files_, d.path());
      if (again.has_error()) {
        return again.error();
      }
      all.push_back(std::move(*again));
    }
  }
  const auto elsewhere = ids_elsewhere();
  if (elsewhere.has_error()) {
    return elsewhere.error();
  }
  auto repaired = mta_queue::repair_leftovers(
      files_, all,
      {.dry_run = options_.dry_run,
       .remove_orphans = options_.repair,
       .now = options_.now,
       .is_known_elsewhere = [&](const std::string& id) { return elsewhere->contains(id); }});
  if (repaired.has_error()) {
    return repaired.error();
  }
  report_.repair = std::move(*repaired);
  return {};
}

result<void> run::move_all(const std::function<void(std::uint64_t, std::uint64_t)>& on_progress) {
  std::vector<std::vector<std::string>> ids;
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < from_.size(); ++i) {
    auto listing = from_[i].list(files_);
    if (!listing) {
      return fs::to_failure(listing.error(), from_[i].path());
    }
    report_.from[i].waiting = listing->envelopes.size();
    all += listing->envelopes.size();
    ids.push_back(std::move(listing->envelopes));
  }
  std::uint64_t done = 0;
  for (std::size_t i = 0; i < from_.size(); ++i) {
    std::span<const std::string> left = ids[i];
    while (!left.empty() && !is_over()) {
      const auto some = left.first(chunk_for(left.size()));
      left = left.subspan(some.size());
      move_some(i, some);
      done += some.size();
      on_progress(done, all);
    }
  }
  return {};
}

// Together as many as may be, but so few that all targets get their share, and the limit holds.
std::size_t run::chunk_for(std::size_t left) const {
  std::size_t chunk = std::clamp<std::size_t>(left / to_.size(), 1, mta_queue::most_at_once);
  if (options_.limit) {
    chunk = std::min<std::size_t>(chunk, *options_.limit - moved_);
  }
  return std::max<std::size_t>(1, chunk);
}

std::vector<move_outcome> run::perform(const queue_directory& from, const queue_directory& to,
                                       std::span<const std::string> ids) {
  const auto is_old = [&](const mta_queue::queue_file& q) {
    return q.created != 0 && q.created + options_.older.count() <= options_.now;
  };
  mta_queue::job_mover mover(files_, options_.runner);
  if (!options_.dry_run) {
    return mover.move_some(from, to, ids, is_old);
  }
  std::vector<move_outcome> outcomes;
  for (const std::string& id : ids) {
    outcomes.push_back(mover.examine(from, id, is_old));
  }
  return outcomes;
}

void run::move_some(std::size_t from, std::span<const std::string> ids) {
  if (options_.limit && moved_ >= *options_.limit) {
    report_.limit_reached = true;
    return;
  }
  const std::size_t to = filling_.least();
  auto outcomes = perform(from_[from], to_[to], ids);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    note(from, to, ids[i], std::move(outcomes[i]));
  }
}

void run::note(std::size_t from, std::size_t to, const std::string& id, move_outcome outcome) {
  requeue_count& count = report_.from[from];
  switch (outcome.result) {
  case move_result::moved:
    ++count.moved;
    ++moved_;
    ++report_.to[to].second;
    filling_.added(to);
    break;
  case move_result::unwanted: ++count.young; break;
  case move_result::locked: ++count.locked; break;
  case move_result::gone: ++count.gone; break;
  case move_result::skipped:
    ++count.skipped;
    report_.skipped.add(outcome.why, from_[from].path_of(mta_queue::file_kind::envelope, id));
    break;
  case move_result::failed: report_.failures.push_back(std::move(outcome.cause)); break;
  }
}

} // namespace

requeue_count requeue_report::total() const {
  requeue_count all;
  for (const requeue_count& c : from) {
    all.waiting += c.waiting;
    all.moved += c.moved;
    all.locked += c.locked;
    all.young += c.young;
    all.gone += c.gone;
    all.skipped += c.skipped;
  }
  return all;
}

result<requeue_report>
requeue(fs::file_system& files, const requeue_options& options,
        const std::function<void(std::uint64_t, std::uint64_t)>& on_progress) {
  run r(files, options);
  if (auto opened = r.open(); opened.has_error()) {
    return opened.error();
  }
  if (auto repaired = r.repair(); repaired.has_error()) {
    return repaired.error();
  }
  if (auto moved = r.move_all(on_progress); moved.has_error()) {
    return moved.error();
  }
  return r.report();
}

} // namespace homeward::sendmail_cf
