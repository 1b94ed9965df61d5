#pragma once
// What is known about deliveries by their identity: in progress, done, or nothing. The write path
// asks here before it files anything; that is why a repeat never makes a second copy. identity_map
// keeps it in memory; a store that also survives a restart stands behind the same interface.

#include <functional>
#include <string>

#include "lib/base/failure.hpp"
#include "lib/store_protocol/transaction.hpp"

#include "stored/delivery/identity.hpp"

namespace homeward::stored {

// Told once how the delivery that was joined ended. Runs on the thread that ended it, without any
// lock held; must not throw.
using identity_waiter = std::function<void(const store_protocol::outcome&)>;

enum class claim_result : unsigned char {
  mine,    // nobody has it: the caller files it, and must end with done() or failed()
  joined,  // somebody is at it: the waiter will be told
  known,   // it is safe already; `name` says under which NAME
  crowded, // somebody is at it, and too many wait for the outcome: answer "try later"
};

struct claim {
  claim_result result = claim_result::mine;
  std::string name; // for known: the NAME of the first time
};

// All members are safe from any thread and answer from memory: they never wait for a disk.
class identity_store {
 public:
  identity_store() = default;
  identity_store(const identity_store&) = delete;
  identity_store& operator=(const identity_store&) = delete;
  virtual ~identity_store() = default;

  // `id` must be the identity of `name.key` and the mailbox. `waiter` is kept only when joined.
  [[nodiscard]] virtual claim claim_or_join(const identity& id,
                                            const store_protocol::message_name& name,
                                            identity_waiter waiter) = 0;

  // Ends a claim of one's own: the mail is durable and visible under `name`. Whoever joined is
  // told, as a repeat.
  virtual void done(const identity& id, const store_protocol::message_name& name) = 0;

  // Ends a claim of one's own: the mail is not stored. Whoever joined is told the same; the next
  // one to come may claim it.
  virtual void failed(const identity& id, const failure& why) = 0;
};

} // namespace homeward::stored
