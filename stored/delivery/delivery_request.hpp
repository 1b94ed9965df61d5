#pragma once
// One transaction as the write path takes it: what to store, for whom, and where.

#include <memory>
#include <string>

#include "lib/fs/message_spool.hpp"
#include "lib/store_protocol/transaction.hpp"

#include "stored/delivery/open_partition.hpp"

namespace homeward::stored {

// The spool's octets are the message as it was received (CRLF). Both pointers are kept until the
// work has ended, which may be after the answer.
struct delivery_request {
  store_protocol::envelope envelope;
  std::shared_ptr<const fs::message_spool> message;
  std::shared_ptr<open_partition> partition;
  std::string peer; // for the log
};

} // namespace homeward::stored
