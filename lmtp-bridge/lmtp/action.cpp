#include "lmtp-bridge/lmtp/action.hpp"

namespace homeward::lmtp {

std::string_view words(close_reason reason) {
  switch (reason) {
  case close_reason::quit: return "the peer said QUIT";
  case close_reason::peer_closed: return "the peer closed the connection";
  case close_reason::timed_out: return "the peer was silent for too long";
  case close_reason::shutting_down: return "this server stops";
  case close_reason::turned_away: return "the session was turned away";
  case close_reason::too_many_errors: return "the peer made too many errors";
  case close_reason::too_much_data: return "the message went on far beyond the size limit";
  }
  return "closed";
}

} // namespace homeward::lmtp
