#pragma once
// A message that waits, whichever MTA has it: what lib/mta_queue reads from a queue and what the
// summary counts. Texts come from strangers.

#include <cstdint>
#include <string>
#include <vector>

namespace homeward::mta_queue {

enum class waiting_state : unsigned char {
  waiting, // will be tried
  active,  // Postfix: is being tried
  held,    // waits until somebody releases it (Postfix hold, sendmail quarantine)
  lost,    // the MTA could not make sense of it and has put it aside
};

struct waiting_recipient {
  std::string address; // may be a bare local part
  std::string reason;  // why it still waits; empty: not tried yet
};

struct waiting_message {
  std::string id;
  std::string directory; // where it waits: a path; of Postfix "/var/spool/postfix/deferred"
  std::string group;     // queue group, tier or instance
  waiting_state state = waiting_state::waiting;
  std::int64_t arrived = 0; // seconds since 1970
  std::vector<waiting_recipient> recipients;
};

} // namespace homeward::mta_queue
