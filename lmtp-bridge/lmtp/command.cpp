#include "lmtp-bridge/lmtp/command.hpp"

#include <algorithm>
#include <array>

namespace homeward::lmtp {
namespace {

constexpr state_set between = in(state::ready);
constexpr state_set once_greeted = in(state::ready) | in(state::envelope);
constexpr state_set any_time = in(state::connected) | once_greeted;

using use = command::use;

constexpr std::array commands{
    command{"LHLO", any_time, use::idle, check_lhlo, apply_lhlo},
    command{"MAIL", between, use::step, check_mail, apply_mail},
    command{"RCPT", in(state::envelope), use::follower, check_rcpt, apply_rcpt},
    command{"DATA", in(state::envelope), use::follower, check_data, apply_data},
    command{"RSET", any_time, use::idle, check_no_argument, apply_rset},
    command{"NOOP", any_time, use::idle, check_any_argument, apply_noop},
    command{"QUIT", any_time, use::step, check_no_argument, apply_quit},
    command{"XFORWARD", between, use::idle, check_xforward, apply_xforward},
    command{"VRFY", any_time, use::idle, check_vrfy, apply_vrfy},
    command{"HELP", any_time, use::idle, check_any_argument, apply_help},
    // RFC 2033 4.1: a server of LMTP must not answer these with success.
    command{"HELO", any_time, use::idle, check_not_lmtp, apply_noop},
    command{"EHLO", any_time, use::idle, check_not_lmtp, apply_noop},
    // A web browser was made to talk to us; what follows may look like commands.
    command{"GET", any_time, use::intruder, check_not_lmtp, apply_noop},
    command{"POST", any_time, use::intruder, check_not_lmtp, apply_noop},
    command{"PUT", any_time, use::intruder, check_not_lmtp, apply_noop},
    command{"HEAD", any_time, use::intruder, check_not_lmtp, apply_noop},
    command{"OPTIONS", any_time, use::intruder, check_not_lmtp, apply_noop},
    command{"CONNECT", any_time, use::intruder, check_not_lmtp, apply_noop},
};

constexpr bool verbs_differ() {
  for (std::size_t i = 0; i < commands.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (commands[i].verb == commands[j].verb) {
        return false;
      }
    }
  }
  return true;
}
static_assert(verbs_differ());

bool equals_verb(std::string_view text, std::string_view verb) {
  return std::equal(text.begin(), text.end(), verb.begin(), verb.end(), [](char a, char b) {
    return (a >= 'a' && a <= 'z' ? static_cast<char>(a - 'a' + 'A') : a) == b;
  });
}

} // namespace

const command* find_command(std::string_view verb) {
  const auto* const found = std::find_if(commands.begin(), commands.end(), [&](const command& c) {
    return equals_verb(verb, c.verb);
  });
  return found == commands.end() ? nullptr : found;
}

} // namespace homeward::lmtp
