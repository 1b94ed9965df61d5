#include "lib/mta_queue/queue_scan.hpp"

#include <cerrno>
#include <utility>

namespace homeward::mta_queue {

namespace {

fs::io_result<std::string> text_of(fs::file_system& files, const queue_directory& directory,
                                   file_kind kind, const std::string& id) {
  const auto file = files.open_at(directory.envelopes(), name_of(kind, id), fs::open_mode::read);
  return file ? read_whole(files, *file, largest_envelope) : file.error();
}

waiting_message message_of(queue_file&& parsed) {
  waiting_message m;
  m.arrived = parsed.created;
  for (queued_recipient& r : parsed.recipients) {
    std::string reason = std::move(r.status);
    if (!parsed.quarantined.empty()) {
      reason = "quarantined: " + parsed.quarantined;
    } else if (reason.empty() && parsed.tries > 0) {
      reason = parsed.status;
    }
    m.recipients.push_back({.address = std::move(r.address), .reason = std::move(reason)});
  }
  return m;
}

} // namespace

result<void> scan_queue(fs::file_system& files, const queue_directory& directory,
                        const std::string& group,
                        const std::function<void(waiting_message)>& each) {
  const auto listing = directory.list(files);
  if (!listing) {
    return fs::to_failure(listing.error(), directory.path());
  }
  const auto read_all = [&](const std::vector<std::string>& ids, file_kind kind,
                            waiting_state state) {
    for (const std::string& id : ids) {
      const auto text = text_of(files, directory, kind, id);
      if (!text && text.error() == ENOENT) {
        continue;
      }
      auto parsed =
          text ? parse_queue_file(*text) : result<queue_file>(fs::to_failure(text.error(), id));
      waiting_message m = parsed.has_value() ? message_of(std::move(*parsed)) : waiting_message{};
      m.id = id;
      m.directory = directory.path();
      m.group = group;
      m.state = parsed.has_value() ? state : waiting_state::lost;
      if (parsed.has_error()) {
        m.recipients.push_back({.address = {}, .reason = parsed.error().what});
      }
      each(std::move(m));
    }
  };
  read_all(listing->envelopes, file_kind::envelope, waiting_state::waiting);
  read_all(listing->quarantined, file_kind::quarantined, waiting_state::held);
  read_all(listing->lost, file_kind::lost, waiting_state::lost);
  return {};
}

} // namespace homeward::mta_queue
