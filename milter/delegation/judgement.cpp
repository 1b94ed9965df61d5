#include "milter/delegation/judgement.hpp"

#include <algorithm>

#include "lib/mail/address.hpp"

namespace homeward::milter::delegation {

namespace {

// More recipients than any MTA takes at once; a number in a request must not become a long loop.
constexpr std::size_t most_recipients = 10'000;

rated_sender sender_of(const request& r) {
  return {.sender = r.sender,
          .client_address = r.client_address,
          .authenticated = !r.sasl_username.empty()};
}

} // namespace

verdict judgement::judge_request(const request& r) const {
  if (r.protocol_state == "RCPT") {
    return over_rate_at_recipient(r) ? over_rate() : judge_recipient(r);
  }
  if (r.protocol_state == "END-OF-MESSAGE") {
    return over_rate_at_end(r) ? over_rate() : judge_recipient(r);
  }
  return r.protocol_state == "VRFY" ? judge_recipient(r) : pass{};
}

bool judgement::over_rate_at_recipient(const request& r) const {
  if (parts_.counted.has(r.instance, r.recipient)) {
    return false;
  }
  if (!parts_.rate.allow(sender_of(r))) {
    return true;
  }
  parts_.counted.add(r.instance, r.recipient);
  return false;
}

bool judgement::over_rate_at_end(const request& r) const {
  if (r.instance.empty() || parts_.counted.has_any(r.instance)) {
    return false;
  }
  const std::size_t recipients = std::clamp<std::size_t>(r.recipient_count, 1, most_recipients);
  for (std::size_t i = 0; i < recipients; ++i) {
    if (!parts_.rate.allow(sender_of(r))) {
      return true;
    }
  }
  return false;
}

verdict judgement::judge_recipient(const request& r) const {
  const auto address = mail::parse_path(r.recipient, mail::charset::utf8);
  if (!address) {
    return pass{}; // none, or Postfix took it for an address, so it has a meaning there
  }
  return judge(parts_.known.facts_of(*address), parts_.rules_now(), r.size);
}

std::string action_for(const verdict& v) {
  const mail::reply* reply = reply_of(v);
  if (reply == nullptr) {
    return "DUNNO";
  }
  const std::string lines = mail::encode(*reply);
  return lines.substr(0, lines.find("\r\n"));
}

} // namespace homeward::milter::delegation
