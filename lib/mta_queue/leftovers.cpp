#include "lib/mta_queue/leftovers.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <optional>
#include <set>

#include "lib/mta_queue/job_lock.hpp"

namespace homeward::mta_queue {

namespace {

constexpr std::size_t most_paths = 20;
constexpr std::array<file_kind, 3> envelope_kinds = {file_kind::envelope, file_kind::quarantined,
                                                     file_kind::lost};

class repair {
 public:
  repair(fs::file_system& files, const std::vector<queue_directory>& directories,
         const repair_options& options)
      : files_(files), directories_(directories), options_(options) {}

  result<repair_report> run() {
    std::vector<queue_listing> listings;
    for (const queue_directory& d : directories_) {
      auto listing = d.list(files_);
      if (!listing) {
        return fs::to_failure(listing.error(), d.path());
      }
      for (const auto* ids : {&listing->envelopes, &listing->quarantined, &listing->lost}) {
        for (const std::string& id : *ids) {
          envelopes_[id].insert(listings.size());
        }
      }
      listings.push_back(std::move(*listing));
    }
    for (std::size_t i = 0; i < listings.size(); ++i) {
      for (const std::string& id : listings[i].data) {
        if (const auto wrong = look_at(i, id)) {
          return *wrong;
        }
      }
    }
    return std::move(report_);
  }

 private:
  using trouble = std::optional<failure>;

  trouble look_at(std::size_t where, const std::string& id) {
    const auto known = envelopes_.find(id);
    if (known == envelopes_.end()) {
      return look_at_orphan(directories_[where], id);
    }
    if (known->second.contains(where)) {
      return {};
    }
    for (const std::size_t other : known->second) {
      if (auto wrong = remove_second_name(directories_[where], directories_[other], id)) {
        return wrong;
      }
    }
    return {};
  }

  // True when the directory has an envelope of this id now.
  fs::io_result<bool> has_envelope(const queue_directory& d, const std::string& id) {
    for (const file_kind kind :
         {file_kind::envelope, file_kind::quarantined, file_kind::lost, file_kind::temporary}) {
      const auto there = files_.status_at(d.envelopes(), name_of(kind, id));
      if (there || there.error().number != ENOENT) {
        return there ? fs::io_result<bool>(true) : fs::io_result<bool>(there.error());
      }
    }
    return false;
  }

  // `stray` has a df and no envelope, `home` an envelope.
  trouble remove_second_name(const queue_directory& stray, const queue_directory& home,
                             const std::string& id) {
    for (const file_kind kind : envelope_kinds) {
      const job_lock lock = lock_job(files_, home, kind, id);
      if (lock.result == lock_result::failed) {
        return fs::to_failure(lock.cause, home.path_of(kind, id));
      }
      // Without the lock the envelope may be on its way to `stray` right now.
      if (lock.result == lock_result::held) {
        return remove_if_same(stray, home, id);
      }
    }
    return {};
  }

  trouble remove_if_same(const queue_directory& stray, const queue_directory& home,
                         const std::string& id) {
    const std::string name = name_of(file_kind::data, id);
    const auto here = files_.status_at(stray.data(), name);
    const auto there = files_.status_at(home.data(), name);
    if (!here || !there || here->inode != there->inode || here->device != there->device) {
      return {};
    }
    const auto envelope = has_envelope(stray, id);
    if (!envelope) {
      return fs::to_failure(envelope.error(), stray.path());
    }
    if (*envelope) {
      return {};
    }
    return remove(stray, id, report_.second_names);
  }

  trouble look_at_orphan(const queue_directory& d, const std::string& id) {
    const auto status = files_.status_at(d.data(), name_of(file_kind::data, id));
    if (!status) { // delivered meanwhile
      return {};
    }
    const auto envelope = has_envelope(d, id);
    if (!envelope) {
      return fs::to_failure(envelope.error(), d.path());
    }
    if (*envelope) {
      return {};
    }
    const bool old = status->modified + options_.orphan_age < options_.now;
    const bool foreign = options_.is_known_elsewhere && options_.is_known_elsewhere(id);
    if (!options_.remove_orphans || !old || foreign) {
      ++report_.orphans_kept;
      if (report_.kept.size() < most_paths) {
        report_.kept.push_back(d.path_of(file_kind::data, id));
      }
      return {};
    }
    auto wrong = remove(d, id, report_.orphans_removed);
    report_.octets_freed += wrong || status->links > 1 ? 0 : status->size;
    return wrong;
  }

  trouble remove(const queue_directory& d, const std::string& id, std::uint64_t& count) {
    if (!options_.dry_run) {
      const auto gone = files_.unlink_at(d.data(), name_of(file_kind::data, id));
      if (!gone && gone.error().number != ENOENT) {
        return fs::to_failure(gone.error(), d.path_of(file_kind::data, id));
      }
    }
    ++count;
    return {};
  }

  fs::file_system& files_;
  const std::vector<queue_directory>& directories_;
  const repair_options& options_;
  std::map<std::string, std::set<std::size_t>, std::less<>> envelopes_; // id -> directories
  repair_report report_;
};

} // namespace

result<repair_report> repair_leftovers(fs::file_system& files,
                                       const std::vector<queue_directory>& directories,
                                       const repair_options& options) {
  return repair(files, directories, options).run();
}

} // namespace homeward::mta_queue
