#include "lmtp-bridge/lmtp/state.hpp"

#include <array>

namespace homeward::lmtp {
namespace {

struct row {
  std::chrono::seconds limits::*limit; // null: no limit here
  std::string_view phrase;
  bool duplicate_possible;
};

// In the order of the states.
constexpr std::array<row, 6> rows{{
    {&limits::command_time, "before LHLO", false},
    {&limits::command_time, "between messages", false},
    {&limits::command_time, "while receiving the envelope; nothing was accepted", false},
    {&limits::message_time, "while receiving the message; nothing was stored", false},
    {nullptr, "while delivering; the message may be sent and stored more than once", true},
    {nullptr, "after the end of the session", false},
}};

} // namespace

patience deadline_for(state s, const limits& l) {
  const row& r = rows.at(static_cast<std::size_t>(s));
  return {.limit = r.limit == nullptr ? std::nullopt : std::optional(l.*r.limit),
          .phrase = r.phrase,
          .duplicate_possible = r.duplicate_possible};
}

} // namespace homeward::lmtp
