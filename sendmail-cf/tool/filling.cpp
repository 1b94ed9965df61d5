#include "sendmail-cf/tool/filling.hpp"

#include <algorithm>
#include <iterator>

namespace homeward::sendmail_cf {

result<filling> filling::of(fs::file_system& files,
                            const std::vector<mta_queue::queue_directory>& directories) {
  filling counted;
  for (const auto& d : directories) {
    const auto listing = d.list(files);
    if (!listing) {
      return fs::to_failure(listing.error(), d.path());
    }
    counted.messages_.push_back(listing->messages());
  }
  return counted;
}

std::size_t filling::least() const {
  const auto least = std::min_element(messages_.begin(), messages_.end());
  return static_cast<std::size_t>(std::distance(messages_.begin(), least));
}

bool is_same(fs::file_system& files, const mta_queue::queue_directory& a,
             const mta_queue::queue_directory& b) {
  const auto of_a = files.status(a.envelopes());
  const auto of_b = files.status(b.envelopes());
  return of_a && of_b && of_a->inode == of_b->inode && of_a->device == of_b->device;
}

} // namespace homeward::sendmail_cf
