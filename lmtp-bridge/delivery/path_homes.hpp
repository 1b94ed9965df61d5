#pragma once
// Files mail for users whose home is a path that this host can write itself, such as the shared
// tree a farm has today: the way users keep working who have not moved yet. The strict Maildir
// recipe, without journal and without shared identities: at least once, not exactly once.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "lib/directory/types.hpp"
#include "lib/fs/file_system.hpp"
#include "lib/maildir/writer.hpp"
#include "lib/store_protocol/transaction.hpp"

namespace homeward::bridge {

// Blocking; call it on worker threads. Safe from any number of them.
class path_homes {
 public:
  // `files` must outlive it. `paths` is where a mailbox lies below the path of its partition.
  path_homes(fs::file_system& files, maildir::path_template paths);

  // One outcome per recipient of `envelope`, in order. The directory of the partition is opened
  // once and kept while it stays good.
  [[nodiscard]] std::vector<store_protocol::outcome>
  deliver(const directory::partition& where, const store_protocol::envelope& envelope,
          const fs::message_spool& message);

 private:
  struct shelf {
    std::string path;
    maildir::partition partition;
    maildir::writer writer;
    shelf(std::string at, maildir::partition p);
  };
  [[nodiscard]] result<std::shared_ptr<shelf>> shelf_of(const directory::partition& where);

  fs::file_system& files_;
  const maildir::path_template paths_;
  std::mutex mutex_; // guards shelves_
  std::map<std::string, std::shared_ptr<shelf>> shelves_;
};

} // namespace homeward::bridge
