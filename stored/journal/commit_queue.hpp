#pragma once
// What waits for the next sync, and the rule that makes a group of it. The rule is the heart of
// group commit and has no clock and no disk:
//   - whatever waits goes into the next group, up to its limits; nobody waits for company;
//   - lanes (partitions) take turns, one record each, so that a lane with a thousand waiting
//     delays a lane with one by one turn, not by a thousand;
//   - within a lane, first come, first served;
//   - one record always goes, even when it is larger than a group should be.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/failure.hpp"

#include "stored/journal/record.hpp"

namespace homeward::journal {

struct group_limits {
  std::size_t octets = std::size_t{4} << 20U;
  std::size_t records = 1024;
};

// Told once, on the commit thread, when the record is durable (its number) or cannot be.
using committed = std::function<void(const result<record_number>&)>;

struct waiting_record {
  record what;
  std::shared_ptr<const void> keep; // owns what the views in `what` point to
  std::size_t octets = 0;           // room that it takes in a group
  committed tell;
};

// Not thread-safe; its owner guards it.
class commit_queue {
 public:
  void push(const std::string& lane, waiting_record r);
  // The next group by the rule above; empty only when nothing waits.
  [[nodiscard]] std::vector<waiting_record> take_group(group_limits limits);
  // All that waits, in no order.
  [[nodiscard]] std::vector<waiting_record> take_all();

  [[nodiscard]] bool empty() const { return records_ == 0; }
  [[nodiscard]] std::size_t records() const { return records_; }
  [[nodiscard]] std::size_t octets() const { return octets_; }

 private:
  using lanes = std::map<std::string, std::deque<waiting_record>>;
  [[nodiscard]] lanes::iterator next_lane();
  [[nodiscard]] waiting_record pop(lanes::iterator lane);

  lanes lanes_; // none of them empty
  std::string served_last_;
  std::size_t records_ = 0;
  std::size_t octets_ = 0;
};

} // namespace homeward::journal
