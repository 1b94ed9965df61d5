#pragma once
// Reads all envelopes of a queue directory of sendmail, without a lock: a view of a moment, for
// people.

#include <functional>
#include <string>

#include "lib/base/failure.hpp"
#include "lib/fs/file_system.hpp"
#include "lib/mta_queue/queue_directory.hpp"
#include "lib/mta_queue/waiting_message.hpp"

namespace homeward::mta_queue {

// Calls `each` for every message (qf, hf, Qf) of the directory. One that is gone by the time it is
// read is left out; one that cannot be read or makes no sense counts as `lost`, with the reason in
// place of a recipient's. Only the failure to list the directory is one.
[[nodiscard]] result<void> scan_queue(fs::file_system& files, const queue_directory& directory,
                                      const std::string& group,
                                      const std::function<void(waiting_message)>& each);

} // namespace homeward::mta_queue
