#pragma once
// Where mail for an address would go now, in a few words, for the summary of a queue.

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/mail/address_rules.hpp"

#include "admin/session.hpp"

namespace homeward::admin {

// Asks the directory once for each address. When it is away, destinations are domains, and
// trouble() says why. One thread.
class queue_destinations {
 public:
  explicit queue_destinations(session& s) : session_(s) {}

  // "store1/mail1" for a user of ours, with " (offline)" and the like behind it; else
  // "example.net, elsewhere", or "ann, no mailbox here" for a bare local part.
  [[nodiscard]] std::string of(const std::string& address);
  [[nodiscard]] const std::optional<failure>& trouble() const { return trouble_; }

 private:
  void begin();
  [[nodiscard]] std::string look_up(const std::string& address);

  session& session_;
  bool begun_ = false;
  directory::engine* engine_ = nullptr;
  mail::address_rules rules_;
  std::vector<directory::partition> partitions_;
  std::unordered_map<std::string, std::string> known_;
  std::optional<failure> trouble_;
};

} // namespace homeward::admin
