#pragma once
// Counts what waits: by directory, by destination, by reason. Pure; give it one message after the
// other.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/mta_queue/waiting_message.hpp"

namespace homeward::mta_queue {

// Of one directory.
struct directory_count {
  std::string group;
  std::string directory;
  std::uint64_t messages = 0;
  std::uint64_t recipients = 0;
  std::uint64_t untried = 0; // messages that nobody tried yet
  std::uint64_t held = 0;
  std::uint64_t lost = 0;
  std::int64_t oldest = 0; // arrival, seconds since 1970; 0: nothing waits
};

// Of one destination.
struct destination_count {
  std::string destination;
  std::uint64_t messages = 0;
  std::uint64_t recipients = 0;
  std::int64_t oldest = 0;
};

// Of one reason.
struct reason_count {
  std::string reason;
  std::uint64_t recipients = 0;
  std::string example; // the id of one such message
};

// One status text without what differs from message to message, so that equal troubles count
// together: addresses become <address>, ids and long numbers <id>; at most 200 octets. The words of
// an MTA that say nothing ("Deferred:") are left out.
[[nodiscard]] std::string reason_of(std::string_view status);

// One thread.
class queue_summary {
 public:
  // `destination_of` says where a recipient's mail would go: "store1/mail1", "example.net".
  explicit queue_summary(std::function<std::string(const std::string& address)> destination_of)
      : destination_of_(std::move(destination_of)) {}

  // A directory that is to be shown also when nothing waits there.
  void add_directory(const std::string& group, const std::string& directory);
  void add(const waiting_message& m);

  // In the order in which they were first seen.
  [[nodiscard]] const std::vector<directory_count>& directories() const { return directories_; }
  // The most recipients first.
  [[nodiscard]] std::vector<destination_count> destinations() const;
  [[nodiscard]] std::vector<reason_count> reasons() const;
  // Everything together.
  [[nodiscard]] directory_count total() const;

 private:
  directory_count& count_of(const std::string& group, const std::string& directory);

  std::function<std::string(const std::string&)> destination_of_;
  std::vector<directory_count> directories_;
  std::map<std::pair<std::string, std::string>, std::size_t> where_;
  std::map<std::string, destination_count, std::less<>> destinations_;
  std::map<std::string, reason_count, std::less<>> reasons_;
};

} // namespace homeward::mta_queue
