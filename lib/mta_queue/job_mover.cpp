#include "lib/mta_queue/job_mover.hpp"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "lib/mta_queue/file_copy.hpp"
#include "lib/mta_queue/job_lock.hpp"

namespace homeward::mta_queue {

namespace {

move_outcome skipped(std::string why) {
  return {.result = move_result::skipped, .why = std::move(why)};
}

move_outcome failed(const fs::io_error& e, const std::string& at) {
  failure f = fs::to_failure(e, at);
  if (f.advice.empty()) {
    f.advice = "Every job is still deliverable where it lies. Look at the disk, then run it again.";
  }
  return {.result = move_result::failed, .cause = std::move(f)};
}

move_outcome outcome_of(job_lock& lock, const std::string& at) {
  switch (lock.result) {
  case lock_result::locked: return {.result = move_result::locked};
  case lock_result::gone: return {.result = move_result::gone};
  case lock_result::odd: return skipped(std::move(lock.why));
  case lock_result::held:
  case lock_result::failed: break;
  }
  return failed(lock.cause, at);
}

bool is_same(const fs::file_status& a, const fs::file_status& b) {
  return a.device == b.device && a.inode == b.inode;
}

// One move, with its lock. Each step returns what went wrong, or nothing.
class move_of_one {
 public:
  using step = std::optional<move_outcome>;

  move_of_one(fs::file_system& files, const queue_directory& from, const std::string& id)
      : files_(files), from_(from), id_(id) {}

  // Locks the job and looks whether it may be moved.
  step examine(const move_condition& wanted);
  // What must not lie in the target.
  step look_at_target(const queue_directory& to, bool& begun);
  // The steps on one file system; the caller syncs in between.
  step link_data(const queue_directory& to);
  step rename_envelope(const queue_directory& to);
  step leave_source(const queue_directory& to);
  void unlink_own_data(const queue_directory& to);
  step by_copy(const queue_directory& to, std::uint32_t runner);
  step finish_copy(const queue_directory& to);

  queue_file&& envelope() { return std::move(envelope_); }

 private:
  step examine_content(const move_condition& wanted);
  step examine_neighbours();
  step copy_data(const queue_directory& to);
  step copy_envelope(const queue_directory& to);
  step remove_source(bool envelope_too);
  [[nodiscard]] std::string at(file_kind kind) const { return from_.path_of(kind, id_); }

  fs::file_system& files_;
  const queue_directory& from_;
  const std::string& id_;
  job_lock lock_;
  fs::handle target_lock_; // of a copied envelope, until the first one is gone
  queue_file envelope_;
  fs::file_status data_;
};

move_of_one::step move_of_one::examine(const move_condition& wanted) {
  lock_ = lock_job(files_, from_, file_kind::envelope, id_);
  if (lock_.result != lock_result::held) {
    return outcome_of(lock_, at(file_kind::envelope));
  }
  if (auto wrong = examine_content(wanted)) {
    return wrong;
  }
  return examine_neighbours();
}

move_of_one::step move_of_one::examine_content(const move_condition& wanted) {
  auto text = read_whole(files_, lock_.file, largest_envelope);
  if (!text) {
    return failed(text.error(), at(file_kind::envelope));
  }
  auto parsed = parse_queue_file(*text);
  if (parsed.has_error() || !parsed->complete) {
    return skipped("its qf is not complete");
  }
  envelope_ = std::move(*parsed);
  if (envelope_.version > newest_version) {
    return skipped(
        fmt::format("its qf has version {}, written by a newer sendmail", envelope_.version));
  }
  if (envelope_.has_data_elsewhere) {
    return skipped("its df lies in the directory of another queue group");
  }
  if (!wanted(envelope_)) {
    return move_outcome{.result = move_result::unwanted, .envelope = std::move(envelope_)};
  }
  return {};
}

move_of_one::step move_of_one::examine_neighbours() {
  const auto renewed = files_.status_at(from_.envelopes(), name_of(file_kind::temporary, id_));
  if (renewed || renewed.error().number != ENOENT) {
    return renewed ? skipped("has a tf: its qf is being written anew, or sendmail died over it")
                   : failed(renewed.error(), at(file_kind::temporary));
  }
  const auto data = files_.status_at(from_.data(), name_of(file_kind::data, id_));
  if (!data) {
    return data.error() == ENOENT ? skipped("has no df")
                                  : failed(data.error(), at(file_kind::data));
  }
  if (data->kind != fs::entry_kind::file) {
    return skipped("its df is no file");
  }
  data_ = *data;
  return {};
}

move_of_one::step move_of_one::look_at_target(const queue_directory& to, bool& begun) {
  for (const file_kind kind :
       {file_kind::envelope, file_kind::quarantined, file_kind::lost, file_kind::temporary}) {
    const auto there = files_.status_at(to.envelopes(), name_of(kind, id_));
    if (!there && there.error().number != ENOENT) {
      return failed(there.error(), to.path_of(kind, id_));
    }
    if (there && kind == file_kind::envelope) {
      begun = true;
    } else if (there) {
      return skipped("another job has the same id in the target");
    }
  }
  return {};
}

// --- On one file system --------------------------------------------------------------

move_of_one::step move_of_one::link_data(const queue_directory& to) {
  const std::string name = name_of(file_kind::data, id_);
  const auto linked = files_.link_name_at(from_.data(), name, to.data(), name);
  if (!linked && linked.error().number != EEXIST) {
    return failed(linked.error(), to.path_of(file_kind::data, id_));
  }
  if (!linked) {
    const auto there = files_.status_at(to.data(), name);
    if (!there) {
      return failed(there.error(), to.path_of(file_kind::data, id_));
    }
    if (!is_same(*there, data_)) { // else: an earlier move got this far
      return skipped("a df of the same id, but not the same, lies in the target");
    }
  }
  return {};
}

// The second name of the df, when the qf could not follow.
void move_of_one::unlink_own_data(const queue_directory& to) {
  const std::string name = name_of(file_kind::data, id_);
  const auto there = files_.status_at(to.data(), name);
  if (there && is_same(*there, data_)) {
    (void)files_.unlink_at(to.data(), name);
  }
}

move_of_one::step move_of_one::rename_envelope(const queue_directory& to) {
  const std::string name = name_of(file_kind::envelope, id_);
  const auto renamed =
      files_.rename_at(from_.envelopes(), name, to.envelopes(), name, fs::on_existing::refuse);
  if (renamed) {
    return {};
  }
  unlink_own_data(to);
  return renamed.error() == EEXIST ? skipped("another job has the same id in the target")
                                   : failed(renamed.error(), to.path_of(file_kind::envelope, id_));
}

move_of_one::step move_of_one::leave_source(const queue_directory& to) {
  const std::string transcript = name_of(file_kind::transcript, id_);
  // The transcript is only for the words of a bounce: without it the job is as good.
  (void)files_.rename_at(from_.transcripts(), transcript, to.transcripts(), transcript,
                         fs::on_existing::refuse);
  return remove_source(false);
}

move_of_one::step move_of_one::remove_source(bool envelope_too) {
  if (envelope_too) {
    const auto gone = files_.unlink_at(from_.envelopes(), name_of(file_kind::envelope, id_));
    if (!gone) {
      return failed(gone.error(), at(file_kind::envelope));
    }
    if (const auto synced = files_.sync_all(from_.envelopes()); !synced) {
      return failed(synced.error(), from_.path());
    }
    (void)files_.unlink_at(from_.transcripts(), name_of(file_kind::transcript, id_));
  }
  const auto gone = files_.unlink_at(from_.data(), name_of(file_kind::data, id_));
  if (!gone) {
    return failed(gone.error(), at(file_kind::data));
  }
  return {};
}

// --- To another file system ----------------------------------------------------------

move_of_one::step move_of_one::copy_data(const queue_directory& to) {
  const std::string name = name_of(file_kind::data, id_);
  const auto source = files_.open_at(from_.data(), name, fs::open_mode::read);
  if (!source) {
    return failed(source.error(), at(file_kind::data));
  }
  const auto there = files_.open_at(to.data(), name, fs::open_mode::read);
  if (there) {
    const auto equal = equal_files(files_, *source, *there);
    if (!equal) {
      return failed(equal.error(), to.path_of(file_kind::data, id_));
    }
    if (!*equal) {
      return skipped("a df of the same id, but not the same, lies in the target");
    }
    if (const auto synced = files_.sync_all(*there); !synced) {
      return failed(synced.error(), to.path_of(file_kind::data, id_));
    }
  } else if (const auto copied = copy_file(files_, *source, to.data(), name); !copied) {
    return failed(copied.error(), to.path_of(file_kind::data, id_));
  }
  if (const auto synced = files_.sync_all(to.data()); !synced) {
    return failed(synced.error(), to.path());
  }
  return {};
}

move_of_one::step move_of_one::copy_envelope(const queue_directory& to) {
  auto copied = copy_file(files_, lock_.file, to.envelopes(), name_of(file_kind::envelope, id_),
                          locking::yes);
  if (!copied) {
    return copied.error() == EEXIST ? skipped("another job has the same id in the target")
                                    : failed(copied.error(), to.path_of(file_kind::envelope, id_));
  }
  target_lock_ = std::move(*copied);
  if (const auto synced = files_.sync_all(to.envelopes()); !synced) {
    return failed(synced.error(), to.path());
  }
  return {};
}

// The qf lies in both directories. If they are equal an earlier move died between the two.
move_of_one::step move_of_one::finish_copy(const queue_directory& to) {
  job_lock there = lock_job(files_, to, file_kind::envelope, id_);
  if (there.result != lock_result::held) {
    return outcome_of(there, to.path_of(file_kind::envelope, id_));
  }
  const auto equal = equal_files(files_, lock_.file, there.file);
  if (!equal) {
    return failed(equal.error(), to.path_of(file_kind::envelope, id_));
  }
  if (!*equal) {
    return skipped("another job has the same id in the target");
  }
  target_lock_ = std::move(there.file);
  if (auto wrong = copy_data(to)) {
    return wrong;
  }
  if (const auto synced = files_.sync_all(to.envelopes()); !synced) {
    return failed(synced.error(), to.path());
  }
  return remove_source(true);
}

move_of_one::step move_of_one::by_copy(const queue_directory& to, std::uint32_t runner) {
  if (lock_.status.owner != runner) {
    return skipped(fmt::format("its qf belongs to uid {}, and a copy on another file system would "
                               "belong to uid {}",
                               lock_.status.owner, runner));
  }
  for (const auto copy : {&move_of_one::copy_data, &move_of_one::copy_envelope}) {
    if (auto wrong = (this->*copy)(to)) {
      return wrong;
    }
  }
  return remove_source(true);
}

// Jobs that go the same way together.
class shipment {
 public:
  shipment(fs::file_system& files, const queue_directory& from, const queue_directory& to,
           std::span<const std::string> ids)
      : files_(files), from_(from), to_(to), outcomes_(ids.size()) {
    for (const std::string& id : ids) {
      jobs_.emplace_back(files, from, id);
    }
  }

  std::vector<move_outcome> move(std::uint32_t runner, const move_condition& wanted) {
    const auto one_volume = is_one_volume();
    if (!one_volume) {
      end_all(failed(one_volume.error(), to_.path()));
    }
    each([&](move_of_one& job) { return job.examine(wanted); });
    if (one_volume && *one_volume) {
      by_rename();
    } else {
      each([&](move_of_one& job) { return by_copy(job, runner); });
    }
    std::vector<move_outcome> done;
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      done.push_back(outcomes_[i] ? std::move(*outcomes_[i])
                                  : move_outcome{.envelope = jobs_[i].envelope()});
    }
    return done;
  }

 private:
  // Does the step for every job that is still on its way; an outcome ends its way.
  template <class Step>
  void each(Step step) {
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      if (!outcomes_[i]) {
        outcomes_[i] = step(jobs_[i]);
      }
    }
  }

  void end_all(const move_outcome& outcome) {
    each([&](move_of_one& /*job*/) { return move_of_one::step(outcome); });
  }

  // Nothing is synced when no job is on its way any more.
  void sync(const fs::handle& directory, const queue_directory& of) {
    if (std::all_of(outcomes_.begin(), outcomes_.end(), [](const auto& o) { return !!o; })) {
      return;
    }
    if (const auto synced = files_.sync_all(directory); !synced) {
      end_all(failed(synced.error(), of.path()));
    }
  }

  void by_rename() {
    each([&](move_of_one& job) {
      bool begun = false;
      auto wrong = job.look_at_target(to_, begun);
      return begun && !wrong ? skipped("another job has the same id in the target")
                             : std::move(wrong);
    });
    each([&](move_of_one& job) { return job.link_data(to_); });
    sync(to_.data(), to_);
    each([&](move_of_one& job) { return job.rename_envelope(to_); });
    sync(to_.envelopes(), to_);
    sync(from_.envelopes(), from_);
    each([&](move_of_one& job) { return job.leave_source(to_); });
  }

  move_of_one::step by_copy(move_of_one& job, std::uint32_t runner) {
    bool begun = false;
    auto wrong = job.look_at_target(to_, begun);
    if (wrong) {
      return wrong;
    }
    return begun ? job.finish_copy(to_) : job.by_copy(to_, runner);
  }

  fs::io_result<bool> is_one_volume() {
    std::optional<std::uint64_t> volume;
    bool one = true;
    for (const queue_directory* side : {&from_, &to_}) {
      for (const fs::handle* place : {&side->envelopes(), &side->data()}) {
        const auto status = files_.status(*place);
        if (!status) {
          return status.error();
        }
        one = one && volume.value_or(status->device) == status->device;
        volume = status->device;
      }
    }
    return one;
  }

  fs::file_system& files_;
  const queue_directory& from_;
  const queue_directory& to_;
  std::deque<move_of_one> jobs_;
  std::vector<move_of_one::step> outcomes_;
};

} // namespace

std::vector<move_outcome> job_mover::move_some(const queue_directory& from,
                                               const queue_directory& to,
                                               std::span<const std::string> ids,
                                               const move_condition& wanted) {
  return shipment(files_, from, to, ids).move(runner_, wanted);
}

move_outcome job_mover::move(const queue_directory& from, const queue_directory& to,
                             const std::string& id, const move_condition& wanted) {
  return std::move(move_some(from, to, {&id, 1}, wanted).front());
}

move_outcome job_mover::examine(const queue_directory& from, const std::string& id,
                                const move_condition& wanted) {
  move_of_one job(files_, from, id);
  auto wrong = job.examine(wanted);
  return wrong ? std::move(*wrong) : move_outcome{.envelope = job.envelope()};
}

} // namespace homeward::mta_queue
