#pragma once
// What one connection may do: the answers to PRTN and RCPT, from memory.

#include <memory>
#include <string>

#include "lib/store_protocol/server_session.hpp"

#include "stored/delivery/open_partition.hpp"
#include "stored/service/partition_table.hpp"

namespace homeward::stored {

// Used on the connection's strand only. `partitions` must outlive it.
class connection_policy final : public store_protocol::server_policy {
 public:
  connection_policy(const partition_table& partitions, peer who)
      : partitions_(&partitions), who_(std::move(who)) {}

  [[nodiscard]] result<store_protocol::partition_figures>
  accept_partition(std::string_view name) override;
  // Refuses (perm) a mailbox that cannot be a path in the partition.
  [[nodiscard]] result<void> accept_recipient(const store_protocol::envelope& so_far,
                                              const store_protocol::recipient& who) override;

  // What the last accepted PRTN named: it stays usable for the transaction even when it is taken
  // out of the settings meanwhile.
  [[nodiscard]] const std::shared_ptr<open_partition>& partition() const { return partition_; }
  [[nodiscard]] const peer& who() const { return who_; }

 private:
  const partition_table* partitions_;
  peer who_;
  std::shared_ptr<open_partition> partition_;
};

} // namespace homeward::stored
