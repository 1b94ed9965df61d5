// The commands that carry no mail: LHLO, NOOP, RSET, QUIT, VRFY, HELP.
#include <fmt/format.h>

#include "lib/base/escape.hpp"

#include "lmtp-bridge/lmtp/command.hpp"

namespace homeward::lmtp {
namespace {

constexpr std::size_t longest_name = 255;

} // namespace

refusal check_lhlo(const conversation& /*c*/, std::string_view argument, understood& out) {
  if (argument.empty() || argument.size() > longest_name ||
      argument.find(' ') != std::string_view::npos) {
    return mail::reply{mail::reply_501_bad_argument, "Syntax: LHLO name"};
  }
  out.name = escape(argument);
  return {};
}

mail::reply apply_lhlo(conversation& c, understood& in) {
  c.reset();
  c.helo = std::move(in.name);
  c.where = state::ready;
  return {mail::reply_250_lhlo,
          fmt::format("{}\nPIPELINING\n8BITMIME\nENHANCEDSTATUSCODES\nSIZE {}\nSMTPUTF8\n"
                      "XFORWARD NAME ADDR PROTO HELO SOURCE PORT IDENT",
                      c.settings.hostname, c.settings.bounds.message_size.octets)};
}

refusal check_not_lmtp(const conversation& /*c*/, std::string_view /*argument*/,
                       understood& /*out*/) {
  return mail::reply{mail::reply_500_unknown_command, "this is LMTP: say LHLO"};
}

refusal check_no_argument(const conversation& /*c*/, std::string_view argument,
                          understood& /*out*/) {
  if (!argument.empty()) {
    return mail::reply{mail::reply_501_bad_argument, "this command takes no argument"};
  }
  return {};
}

refusal check_any_argument(const conversation& /*c*/, std::string_view /*argument*/,
                           understood& /*out*/) {
  return {};
}

mail::reply apply_noop(conversation& /*c*/, understood& /*in*/) {
  return {mail::reply_250_ok, "OK"};
}

mail::reply apply_rset(conversation& c, understood& /*in*/) {
  c.reset();
  if (c.where == state::envelope) {
    c.where = state::ready;
  }
  return {mail::reply_250_ok, "OK"};
}

mail::reply apply_quit(conversation& c, understood& /*in*/) {
  c.reset();
  c.where = state::closed;
  return {mail::reply_221_bye, "closing the connection"};
}

refusal check_vrfy(const conversation& /*c*/, std::string_view argument, understood& /*out*/) {
  if (argument.empty()) {
    return mail::reply{mail::reply_501_bad_argument, "Syntax: VRFY address"};
  }
  return {};
}

mail::reply apply_vrfy(conversation& /*c*/, understood& /*in*/) {
  return {mail::reply_252_cannot_verify, "not verified here; RCPT TO tells"};
}

mail::reply apply_help(conversation& /*c*/, understood& /*in*/) {
  return {mail::reply_214_help, "LHLO MAIL RCPT DATA RSET NOOP QUIT VRFY XFORWARD\n"
                                "homeward-bridge(8) describes this server"};
}

} // namespace homeward::lmtp
