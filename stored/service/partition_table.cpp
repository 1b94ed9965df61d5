#include "stored/service/partition_table.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "lib/base/log.hpp"

namespace homeward::stored {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

partition_table::partition_table(fs::file_system& files, const clock_source& clock,
                                 maildir::filing_settings filing, journal::journal_table* journals)
    : files_(&files), clock_(&clock), filing_(filing), journals_(journals) {}

std::shared_ptr<partition_keeper> partition_table::keep(const partition_settings& p,
                                                        std::chrono::seconds look_every) {
  auto keeper = std::make_shared<partition_keeper>(
      *files_, *clock_,
      kept_partition{.name = p.name, .path = p.path, .filing = filing_, .journals = journals_});
  keeper->start(look_every);
  return keeper;
}

void partition_table::apply(const std::vector<partition_settings>& wanted,
                            std::chrono::seconds look_every) {
  const std::lock_guard lock(mutex_);
  std::map<std::string, served> before = std::exchange(served_, {});
  for (const partition_settings& p : wanted) {
    served next{p, net::address_list::parse(p.peers).value(), nullptr};
    const auto old = before.find(p.name);
    if (old != before.end() && old->second.settings.path == p.path) {
      next.keeper = old->second.keeper;
      next.keeper->set_interval(look_every);
      if (old->second.settings.state != p.state) {
        log::notice("partition changes its state",
                    {{"partition", p.name}, {"state", to_string(p.state)}});
      }
      before.erase(old);
    } else {
      next.keeper = keep(p, look_every);
    }
    served_.emplace(p.name, std::move(next));
  }
  for (auto& [name, gone] : before) {
    log::notice("partition no longer served at this path",
                {{"partition", name}, {"path", gone.settings.path}});
    gone.keeper->ask_to_stop();
    retired_.push_back(std::move(gone.keeper));
  }
}

std::size_t partition_table::wait_until_looked_at(nanoseconds limit) const {
  const auto give_up = steady_clock::now() + limit;
  std::vector<std::shared_ptr<partition_keeper>> keepers;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, s] : served_) {
      keepers.push_back(s.keeper);
    }
  }
  std::size_t open = 0;
  for (const auto& keeper : keepers) {
    const nanoseconds left = std::max(give_up - steady_clock::now(), nanoseconds(0));
    open += keeper->wait_for_first_look(left) ? 1U : 0U;
  }
  return open;
}

bool partition_table::all_looked_at() const {
  const std::lock_guard lock(mutex_);
  return std::all_of(served_.begin(), served_.end(),
                     [](const auto& named) { return named.second.keeper->has_looked(); });
}

result<std::shared_ptr<open_partition>> partition_table::accept(const std::string& name,
                                                                const peer& who) const {
  const std::lock_guard lock(mutex_);
  const auto found = served_.find(name);
  if (found == served_.end()) {
    failure f =
        transient_failure("this store has no partition " + name, {},
                          "Add it to the settings of this store, or correct the directory.");
    f.reason = failure_reason::no_partition;
    return f;
  }
  const served& s = found->second;
  if (!who.is_unix && !s.peers.empty() && !s.peers.contains(who.address)) {
    failure f = transient_failure("this peer may not write to partition " + name, {},
                                  "Add its address to the partition's peers.");
    f.reason = failure_reason::denied;
    return f;
  }
  if (s.settings.state == partition_state::offline) {
    return transient_failure("partition " + name + " is offline");
  }
  return s.keeper->current();
}

std::vector<std::shared_ptr<open_partition>> partition_table::open_for(const peer& who) const {
  std::vector<std::string> names;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, s] : served_) {
      names.push_back(name);
    }
  }
  std::vector<std::shared_ptr<open_partition>> open;
  for (const std::string& name : names) {
    if (auto accepted = accept(name, who)) {
      open.push_back(std::move(*accepted));
    }
  }
  return open;
}

fs::volume_space partition_table::space(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = served_.find(name);
  return found == served_.end() ? fs::volume_space{} : found->second.keeper->space();
}

fs::volume_space partition_table::space_of_all() const {
  const std::lock_guard lock(mutex_);
  fs::volume_space all{};
  std::set<std::uint64_t> counted;
  for (const auto& [name, s] : served_) {
    const auto partition = s.keeper->current();
    if (partition && counted.insert((*partition)->device).second) {
      const fs::volume_space one = s.keeper->space();
      all.free.octets += one.free.octets;
      all.total.octets += one.total.octets;
    }
  }
  return all;
}

std::size_t partition_table::size() const {
  const std::lock_guard lock(mutex_);
  return served_.size();
}

bool partition_table::stop(nanoseconds limit) {
  const auto give_up = steady_clock::now() + limit;
  std::vector<std::shared_ptr<partition_keeper>> keepers;
  {
    const std::lock_guard lock(mutex_);
    keepers = std::exchange(retired_, {});
    for (auto& [name, s] : served_) {
      keepers.push_back(s.keeper);
    }
    served_.clear();
  }
  for (const auto& keeper : keepers) {
    keeper->ask_to_stop();
  }
  bool all = true;
  for (const auto& keeper : keepers) {
    all = keeper->stop(std::max(give_up - steady_clock::now(), nanoseconds(0))) && all;
  }
  return all;
}

} // namespace homeward::stored
