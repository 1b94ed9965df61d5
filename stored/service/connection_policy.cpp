#include "stored/service/connection_policy.hpp"

#include <algorithm>
#include <iterator>

#include "lib/base/log.hpp"

namespace homeward::stored {

using store_protocol::partition_figures;

result<partition_figures> connection_policy::accept_partition(std::string_view name) {
  const std::string partition(name);
  auto accepted = partitions_->accept(partition, who_);
  if (!accepted) {
    log::warning("transaction refused",
                 {{"partition", partition}, {"peer", who_.name}, {"failure", accepted.error()}});
    return accepted.error();
  }
  partition_ = std::move(*accepted);
  const fs::volume_space space = partitions_->space(partition);
  return partition_figures{.free = space.free, .total = space.total};
}

result<void> connection_policy::accept_recipient(const store_protocol::envelope& so_far,
                                                 const store_protocol::recipient& who) {
  const auto path = partition_->where.paths().expand(who.mailbox);
  if (!path) {
    log::warning("recipient refused", {{"partition", so_far.partition},
                                       {"mailbox", who.mailbox},
                                       {"name", to_string(so_far.name)},
                                       {"sender", so_far.sender},
                                       {"peer", who_.name},
                                       {"failure", path.error()}});
    return path.error();
  }
  return {};
}

std::vector<store_protocol::mailbox_usage> connection_policy::full_mailboxes(std::size_t most) {
  std::vector<store_protocol::mailbox_usage> all;
  for (const std::shared_ptr<open_partition>& p : partitions_->open_for(who_)) {
    auto of_one = quota_->nearly_full(place_of(p), most);
    std::move(of_one.begin(), of_one.end(), std::back_inserter(all));
  }
  std::stable_sort(all.begin(), all.end(), store_protocol::is_fuller);
  return all;
}

} // namespace homeward::stored
