#pragma once
// The commands of LMTP: one table, which is the only dispatch. A command is first checked against
// the conversation, which it cannot change, and only then carried out: what is refused has no
// effect.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/mail/reply.hpp"

#include "lmtp-bridge/lmtp/conversation.hpp"

namespace homeward::lmtp {

// What a check has understood, for the apply that follows. Each command fills in its own part.
struct understood {
  std::string name = {};           // LHLO
  envelope about = {};             // MAIL
  std::string path = {};           // RCPT
  accepted_recipient mailbox = {}; // RCPT
  forwarded_facts forwarded = {};  // XFORWARD
};

// Nothing, or why not.
using refusal = std::optional<mail::reply>;

// A set of states, one bit each.
using state_set = std::uint8_t;
[[nodiscard]] constexpr state_set in(state s) {
  return static_cast<state_set>(1U << static_cast<unsigned>(s));
}

struct command {
  std::string_view verb; // upper case
  state_set allowed;     // elsewhere it is refused with 503 before it is checked
  // How it counts against the limits.
  enum class use : std::uint8_t {
    step,     // MAIL, QUIT: a mistake is an error
    follower, // RCPT, DATA: often sent before the reply to what they depend on
    idle,     // leads nowhere; counted against limits::idle_commands
    intruder, // no mail client sends this: the connection is closed
  } kind;
  // Fills `out`, or says why the command is refused. `argument` is what follows the verb, without
  // the space between and without spaces at the end; it holds no control octet.
  refusal (*check)(const conversation& c, std::string_view argument, understood& out);
  // Carries the command out, and answers it.
  mail::reply (*apply)(conversation& c, understood& in);
};

// The entry for a verb in any case; null if there is none.
[[nodiscard]] const command* find_command(std::string_view verb);

// The checks and effects, one file for each group: greeting_commands.cpp, envelope_commands.cpp,
// xforward_command.cpp.
[[nodiscard]] refusal check_lhlo(const conversation& c, std::string_view argument, understood& out);
[[nodiscard]] refusal check_not_lmtp(const conversation& c, std::string_view argument,
                                     understood& out);
[[nodiscard]] refusal check_no_argument(const conversation& c, std::string_view argument,
                                        understood& out);
[[nodiscard]] refusal check_any_argument(const conversation& c, std::string_view argument,
                                         understood& out);
[[nodiscard]] refusal check_vrfy(const conversation& c, std::string_view argument, understood& out);
[[nodiscard]] refusal check_mail(const conversation& c, std::string_view argument, understood& out);
[[nodiscard]] refusal check_rcpt(const conversation& c, std::string_view argument, understood& out);
[[nodiscard]] refusal check_data(const conversation& c, std::string_view argument, understood& out);
[[nodiscard]] refusal check_xforward(const conversation& c, std::string_view argument,
                                     understood& out);

[[nodiscard]] mail::reply apply_lhlo(conversation& c, understood& in);
[[nodiscard]] mail::reply apply_noop(conversation& c, understood& in);
[[nodiscard]] mail::reply apply_rset(conversation& c, understood& in);
[[nodiscard]] mail::reply apply_quit(conversation& c, understood& in);
[[nodiscard]] mail::reply apply_help(conversation& c, understood& in);
[[nodiscard]] mail::reply apply_vrfy(conversation& c, understood& in);
[[nodiscard]] mail::reply apply_mail(conversation& c, understood& in);
[[nodiscard]] mail::reply apply_rcpt(conversation& c, understood& in);
[[nodiscard]] mail::reply apply_data(conversation& c, understood& in);
[[nodiscard]] mail::reply apply_xforward(conversation& c, understood& in);

} // namespace homeward::lmtp
