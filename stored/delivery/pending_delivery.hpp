#pragma once
// The answer to one delivery while it gathers: one outcome per recipient, from workers, from
// memory, from another delivery of the same mail, or from whoever's patience ended.

#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "lib/base/failure.hpp"
#include "lib/store_protocol/transaction.hpp"

namespace homeward::stored {

// One outcome per recipient, in the order of the envelope. Called once, on the thread that settled
// the last recipient, without a lock held; must not throw and should only hand over.
using delivery_completion = std::function<void(std::vector<store_protocol::outcome>)>;

// Safe from any thread. The first outcome of a recipient stands; later ones are dropped, so that
// nobody is told two things.
class pending_delivery {
 public:
  pending_delivery(std::size_t recipients, delivery_completion completion);

  // False when this recipient had its outcome already.
  bool settle(std::size_t recipient, store_protocol::outcome o);
  // Settles every recipient that is still open. The work itself goes on; only nobody waits for it.
  void give_up(const failure& why);

 private:
  [[nodiscard]] std::vector<store_protocol::outcome> take_outcomes();

  std::mutex mutex_;               // guards the three below
  delivery_completion completion_; // empty once called: what it holds is not kept longer
  std::vector<std::optional<store_protocol::outcome>> outcomes_;
  std::size_t open_;
};

} // namespace homeward::stored
