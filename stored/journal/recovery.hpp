#pragma once
// Puts into the Maildirs what the journal holds above its checkpoint: once for each start, for each
// partition when it is opened, before anybody is served from it. Doing it twice, or being killed in
// the middle, changes nothing.
//
// What has a filed mark (filed_marks.hpp) stays as readers have left it. Of the rest, how much is
// believed of what the Maildirs show now:
//   marks    the same mount of the same boot: what is there is whole; absent ones are filed
//   compare  after a power cut or a remount: every file has to have its size and octets, or it is
//            replaced; absent ones are filed again
//   rewrite  after a failed sync: the page cache may show what the disk does not have, so present
//            files are replaced too

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "lib/maildir/partition.hpp"
#include "lib/maildir/restorer.hpp"

#include "stored/journal/filed_marks.hpp"
#include "stored/journal/identity_log.hpp"
#include "stored/journal/journal_index.hpp"
#include "stored/journal/parked_records.hpp"
#include "stored/journal/settlements.hpp"

namespace homeward::journal {

// Told of every recipient that is stored, so that its repeat is known: the delivery and the index
// of the mailbox. Gives back the identity for the log. On the thread that replays.
using stored_recipient =
    std::function<logged_identity(const delivery_record&, std::size_t mailbox)>;

using identity_sink = std::function<void(std::span<const logged_identity>)>;

// What a replay did, for the log.
struct replayed {
  std::size_t deliveries = 0;
  std::size_t filed = 0;    // copies that were absent
  std::size_t replaced = 0; // copies that were not whole, or not to be believed
  std::size_t parked = 0;   // deliveries with a mailbox that cannot take them now
};

// replay() from several threads at once, each with another partition; the rest from one.
class recovery {
 public:
  // All must outlive it.
  recovery(fs::file_system& files, const fs::handle& directory, const journal_index& index,
           trust how, filed_marks& marks, settlements& open);

  // Finds what is to be done, and settles what is not.
  [[nodiscard]] result<void> collect();

  // Files what belongs to the partition, parked records included. A failure (a full or faulty disk)
  // leaves the rest to be done by the next call. `log` gets what `tell` gave, also when it fails,
  // and before anything is settled: a checkpoint may come at any moment, and what it sees as
  // settled has to be in the log with it.
  [[nodiscard]] result<replayed> replay(const maildir::partition& where,
                                        const stored_recipient& tell, std::uint64_t now,
                                        const identity_sink& log);
  // The parked files whose records replay() has filed: to be removed after a sync of the volume
  // that began later, and then to be forgotten.
  [[nodiscard]] std::vector<std::string> emptied() const;
  void forget_emptied(const std::vector<std::string>& names);

  // Parks the records of all partitions that were not replayed. Returns how many there were, by
  // partition id.
  [[nodiscard]] result<std::map<std::string, std::size_t>> park_rest(std::uint64_t now);

  // Deliveries neither replayed nor parked yet.
  [[nodiscard]] std::size_t pending() const;

 private:
  struct task {
    std::size_t source = 0;
    record_place where;
    std::vector<std::uint32_t> refused;
  };
  struct unread { // a delivery read again from its source
    std::string payload;
    delivery_record delivery;
  };
  class run;

  [[nodiscard]] result<void> collect_from(std::size_t source, record_number from,
                                          std::map<record_number, task*>& deliveries);
  [[nodiscard]] result<void> sync_elsewhere(const maildir::partition& where);
  [[nodiscard]] result<unread> read(const record_source& source, const task& t);
  [[nodiscard]] result<std::vector<task>> take(const std::string& partition);
  void put_back(const std::string& partition, std::vector<task> rest);
  [[nodiscard]] result<bool> replay_parked(run& r, const std::string& name);
  void settle(const task& t);

  fs::file_system& files_;
  const fs::handle& directory_;
  const journal_index& index_;
  const trust how_;
  filed_marks& marks_;
  settlements& open_;
  std::vector<record_source> sources_;
  mutable std::mutex mutex_;                       // guards all below
  std::map<std::string, std::vector<task>> tasks_; // by partition id
  std::size_t pending_ = 0;
  std::set<std::string> emptied_; // parked files
};

} // namespace homeward::journal
