#pragma once
// What one connection may do: the answers to PRTN, RCPT and FULL, from memory.

#include <memory>
#include <string>
#include <vector>

#include "lib/store_protocol/server_session.hpp"

#include "stored/delivery/open_partition.hpp"
#include "stored/quota/quota_keeper.hpp"
#include "stored/service/partition_table.hpp"

namespace homeward::stored {

// Used on the connection's strand only. `partitions` and `quota` must outlive it.
class connection_policy final : public store_protocol::server_policy {
 public:
  connection_policy(const partition_table& partitions, quota_keeper& quota, peer who)
      : partitions_(&partitions), quota_(&quota), who_(std::move(who)) {}

  [[nodiscard]] result<store_protocol::partition_figures>
  accept_partition(std::string_view name) override;
  // Refuses (perm) a mailbox that cannot be a path in the partition.
  [[nodiscard]] result<void> accept_recipient(const store_protocol::envelope& so_far,
                                              const store_protocol::recipient& who) override;
  [[nodiscard]] std::vector<store_protocol::mailbox_usage>
  full_mailboxes(std::size_t most) override;

  // What the last accepted PRTN named: it stays usable for the transaction even when it is taken
  // out of the settings meanwhile.
  [[nodiscard]] const std::shared_ptr<open_partition>& partition() const { return partition_; }
  [[nodiscard]] const peer& who() const { return who_; }

 private:
  const partition_table* partitions_;
  quota_keeper* quota_;
  peer who_;
  std::shared_ptr<open_partition> partition_;
};

} // namespace homeward::stored
