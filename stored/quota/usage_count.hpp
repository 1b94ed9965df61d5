#pragma once
// Counts what one mailbox holds: the messages in new/ and cur/ of its Maildir and of every
// Maildir++ folder in it (".Name"), each with the size that its name tells (",S="), else the size
// of the file. docs/operations/quota.md says it to operators.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include "lib/fs/file_system.hpp"
#include "lib/maildir/partition.hpp"

namespace homeward::stored {

struct mailbox_content {
  std::uint64_t octets = 0; // of the files, as they lie on disk
  std::uint64_t messages = 0;

  friend bool operator==(const mailbox_content&, const mailbox_content&) = default;
};

// Names (the part before the first comma) of messages that are to be left out; asked once, when the
// inbox has been listed: what is in the listing and still being delivered is told by its delivery.
using names_left_out = std::function<std::unordered_set<std::string>()>;

// Blocks: one listing for each folder, and a look at each file whose name tells no size. A Maildir,
// or a folder, that is not there holds nothing; a file that vanishes meanwhile does not count.
// Fails, as the file system did, when something is there and cannot be read: then nothing is known.
[[nodiscard]] result<mailbox_content> count_usage(const maildir::partition& where,
                                                  std::string_view mailbox,
                                                  const names_left_out& left_out);

// The octets that ",S=" in a file's name tells; empty when it has none that can be read.
[[nodiscard]] std::optional<std::uint64_t> size_in_name(std::string_view file_name);

} // namespace homeward::stored
