// XFORWARD: what the MTA knows about its own client (Postfix, XFORWARD_README).
#include <array>
#include <string>
#include <utility>

#include "lib/base/escape.hpp"

#include "lmtp-bridge/lmtp/argument.hpp"
#include "lmtp-bridge/lmtp/command.hpp"

namespace homeward::lmtp {
namespace {

constexpr std::size_t longest_value = 255;

using attribute = std::pair<std::string_view, std::string forwarded_facts::*>;
constexpr std::array<attribute, 7> attributes{{
    {"NAME", &forwarded_facts::name},
    {"ADDR", &forwarded_facts::addr},
    {"PORT", &forwarded_facts::port},
    {"PROTO", &forwarded_facts::proto},
    {"HELO", &forwarded_facts::helo},
    {"IDENT", &forwarded_facts::ident},
    {"SOURCE", &forwarded_facts::source},
}};

std::string* find_attribute(forwarded_facts& facts, std::string_view name) {
  for (const auto& [known, member] : attributes) {
    if (equals_ignoring_case(name, known)) {
      return &(facts.*member);
    }
  }
  return nullptr;
}

bool is_unknown(std::string_view value) {
  return equals_ignoring_case(value, "[UNAVAILABLE]") ||
         equals_ignoring_case(value, "[TEMPUNAVAIL]");
}

} // namespace

refusal check_xforward(const conversation& c, std::string_view argument, understood& out) {
  const auto refused = [](std::string text) {
    return mail::reply{mail::reply_501_bad_argument, std::move(text)};
  };
  if (argument.empty()) {
    return refused("Syntax: XFORWARD NAME=value ...");
  }
  out.forwarded = c.forwarded; // a second XFORWARD adds to the first
  while (!argument.empty()) {
    const parameter p = split_parameter(take_word(argument));
    std::string* const fact = find_attribute(out.forwarded, p.name);
    if (fact == nullptr || !p.value) {
      return refused("unknown XFORWARD attribute");
    }
    const auto decoded = decode_xtext(*p.value);
    if (!decoded || decoded->size() > longest_value) {
      return refused("malformed XFORWARD value");
    }
    *fact = is_unknown(*decoded) ? std::string{} : escape(*decoded);
  }
  return {};
}

mail::reply apply_xforward(conversation& c, understood& in) {
  c.forwarded = std::move(in.forwarded);
  return {mail::reply_250_ok, "OK"};
}

} // namespace homeward::lmtp
