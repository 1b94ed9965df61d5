// The commands of a transaction: MAIL, RCPT, DATA.
#include <algorithm>
#include <charconv>
#include <numeric>

#include <fmt/format.h>

#include "lib/mail/address.hpp"

#include "lmtp-bridge/lmtp/argument.hpp"
#include "lmtp-bridge/lmtp/command.hpp"

namespace homeward::lmtp {
namespace {

mail::reply unknown_parameter(std::string_view word) {
  return {mail::reply_555_unknown_parameter, fmt::format("unknown parameter {}", word)};
}

mail::reply bad_argument(std::string text) {
  return {mail::reply_501_bad_argument, std::move(text)};
}

// SIZE=n (RFC 1870 6). More digits than a number has are a size all the same: too big.
refusal check_size(const conversation& c, std::optional<std::string_view> value, envelope& about) {
  const std::string_view digits = value.value_or("");
  const bool all_digits =
      std::all_of(digits.begin(), digits.end(), [](char d) { return d >= '0' && d <= '9'; });
  if (digits.empty() || !all_digits || digits.size() > 20 || about.declared_size) {
    return bad_argument("Syntax: SIZE=octets, once");
  }
  byte_count size;
  const auto [end, fault] =
      std::from_chars(digits.data(), digits.data() + digits.size(), size.octets);
  if (fault != std::errc{} || size > c.settings.bounds.message_size) {
    return mail::reply{mail::reply_552_message_too_big,
                       fmt::format("the message is over the limit of {} octets",
                                   c.settings.bounds.message_size.octets)};
  }
  about.declared_size = size;
  return {};
}

refusal check_body(std::optional<std::string_view> value, envelope& about) {
  const std::string_view body = value.value_or("");
  about.eight_bit = equals_ignoring_case(body, "8BITMIME");
  if (!about.eight_bit && !equals_ignoring_case(body, "7BIT")) {
    return bad_argument("Syntax: BODY=7BIT or BODY=8BITMIME");
  }
  return {};
}

refusal check_mail_parameters(const conversation& c, std::string_view words, envelope& about) {
  while (!words.empty()) {
    const std::string_view word = take_word(words);
    const parameter p = split_parameter(word);
    refusal refused;
    if (equals_ignoring_case(p.name, "SIZE")) {
      refused = check_size(c, p.value, about);
    } else if (equals_ignoring_case(p.name, "BODY")) {
      refused = check_body(p.value, about);
    } else if (equals_ignoring_case(p.name, "SMTPUTF8") && !p.value) {
      about.smtputf8 = true;
    } else {
      refused = unknown_parameter(word);
    }
    if (refused) {
      return refused;
    }
  }
  return {};
}

// The reply for an address that is none.
mail::reply bad_address(mail::reply_code code, std::string_view path, mail::address_fault fault) {
  if (fault == mail::address_fault::needs_smtputf8) {
    code = mail::reply_553_needs_smtputf8;
  }
  return {code, fmt::format("{} {}", path, mail::words(fault))};
}

mail::charset charset_of(const envelope& about) {
  return about.smtputf8 ? mail::charset::utf8 : mail::charset::ascii;
}

// One delivery for each mailbox: later recipients of a mailbox share the outcome of its first.
void merge_recipients(transaction& t) {
  std::vector<recipient>& all = t.about.recipients;
  std::vector<std::size_t> by_mailbox(all.size());
  std::iota(by_mailbox.begin(), by_mailbox.end(), std::size_t{0});
  std::stable_sort(by_mailbox.begin(), by_mailbox.end(),
                   [&](std::size_t a, std::size_t b) { return all[a].mailbox < all[b].mailbox; });
  // First the position of the first RCPT for the same mailbox, ...
  for (std::size_t i = 0; i < by_mailbox.size(); ++i) {
    const bool repeated = i > 0 && all[by_mailbox[i]].mailbox == all[by_mailbox[i - 1]].mailbox;
    t.accepted[by_mailbox[i]].recipient =
        repeated ? t.accepted[by_mailbox[i - 1]].recipient : by_mailbox[i];
  }
  // ... then its index among those that stay.
  std::vector<recipient> distinct;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (t.accepted[i].recipient == i) {
      t.accepted[i].recipient = distinct.size();
      distinct.push_back(std::move(all[i]));
    } else {
      t.accepted[i].recipient = t.accepted[t.accepted[i].recipient].recipient;
    }
  }
  all = std::move(distinct);
}

} // namespace

refusal check_mail(const conversation& c, std::string_view argument, understood& out) {
  if (!take_keyword(argument, "FROM:")) {
    return bad_argument("Syntax: MAIL FROM:<address>");
  }
  const auto split = mail::split_path(argument);
  if (!split || (!split->rest.empty() && !split->rest.starts_with(' '))) {
    return bad_argument("Syntax: MAIL FROM:<address>");
  }
  if (auto refused = check_mail_parameters(c, split->rest, out.about)) {
    return refused;
  }
  auto sender = mail::parse_reverse_path(split->path, charset_of(out.about));
  if (!sender) {
    return bad_address(mail::reply_501_bad_sender, split->path, sender.error());
  }
  out.about.sender = std::move(*sender);
  return {};
}

mail::reply apply_mail(conversation& c, understood& in) {
  mail::reply answer{mail::reply_250_sender_ok, in.about.sender.text() + " sender OK"};
  c.current = transaction{};
  c.current.about = std::move(in.about);
  c.where = state::envelope;
  return answer;
}

refusal check_rcpt(const conversation& c, std::string_view argument, understood& out) {
  if (!take_keyword(argument, "TO:")) {
    return bad_argument("Syntax: RCPT TO:<address>");
  }
  const auto split = mail::split_path(argument);
  if (!split || (!split->rest.empty() && !split->rest.starts_with(' '))) {
    return bad_argument("Syntax: RCPT TO:<address>");
  }
  if (std::string_view words = split->rest; !words.empty()) {
    return unknown_parameter(take_word(words));
  }
  const auto path = mail::parse_path(split->path, charset_of(c.current.about));
  if (!path) {
    return bad_address(mail::reply_501_bad_recipient, split->path, path.error());
  }
  out.path = mail::to_string(*path);
  if (c.current.accepted.size() >= c.settings.bounds.recipients) {
    return mail::reply{
        mail::reply_452_too_many_recipients,
        fmt::format("<{}> too many recipients; send the rest in another transaction", out.path)};
  }
  auto accepted = c.policy->accept(*path);
  if (!accepted) {
    mail::reply refused = mail::reply_for(accepted.error(), c.settings.replies);
    refused.text = fmt::format("<{}> {}", out.path, refused.text);
    return refused;
  }
  out.mailbox = std::move(*accepted);
  return {};
}

mail::reply apply_rcpt(conversation& c, understood& in) {
  mail::reply answer{mail::reply_250_recipient_ok, fmt::format("<{}> recipient OK", in.path)};
  c.current.accepted.push_back({.path = in.path});
  c.current.about.recipients.push_back({.path = std::move(in.path),
                                        .mailbox = std::move(in.mailbox.mailbox),
                                        .token = in.mailbox.token});
  return answer;
}

refusal check_data(const conversation& c, std::string_view argument, understood& out) {
  if (auto refused = check_no_argument(c, argument, out)) {
    return refused;
  }
  if (c.current.accepted.empty()) {
    return mail::reply{mail::reply_503_bad_sequence, "no valid recipients"};
  }
  return {};
}

mail::reply apply_data(conversation& c, understood& /*in*/) {
  transaction& t = c.current;
  merge_recipients(t);
  t.deliveries = t.about.recipients.size();
  t.about.transaction = ++c.transactions;
  t.about.helo = c.helo;
  t.about.forwarded = std::move(c.forwarded);
  c.forwarded = forwarded_facts{};
  c.where = state::message;
  return {mail::reply_354_send_message, "end the message with <CR><LF>.<CR><LF>"};
}

} // namespace homeward::lmtp
