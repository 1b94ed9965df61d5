#include "milter/filter/filter_session.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "lib/mail/address.hpp"

namespace homeward::milter {

namespace {

std::string_view without_brackets(std::string_view path) {
  if (path.starts_with('<') && path.ends_with('>') && path.size() >= 2) {
    path = path.substr(1, path.size() - 2);
  }
  return path;
}

mail::reply out_of_order() {
  return {.code = mail::reply_451_temporary_fault, .text = "unexpected order of commands"};
}

bool starts_with_word(std::string_view text, std::string_view word) {
  return text.size() >= word.size() &&
         std::equal(word.begin(), word.end(), text.begin(), [](char w, char t) {
           return w == (t >= 'a' && t <= 'z' ? static_cast<char>(t - 'a' + 'A') : t);
         });
}

// Nobody can tell whether the domain is ours, but the MTA has decided to send the mail away.
bool leaves_this_host(const recipient_facts& facts, const recipient_event& e,
                      const filter_settings& s) {
  return facts.standing == recipient_standing::unavailable && !facts.domain_is_ours &&
         std::find(s.remote_mailers.begin(), s.remote_mailers.end(), e.mailer) !=
             s.remote_mailers.end();
}

} // namespace

byte_count announced_size(const std::vector<std::string_view>& parameters) {
  constexpr std::string_view key = "SIZE=";
  for (const std::string_view p : parameters) {
    if (starts_with_word(p, key)) {
      const std::string_view digits = p.substr(key.size());
      byte_count size;
      const auto [end, error] =
          std::from_chars(digits.data(), digits.data() + digits.size(), size.octets);
      const bool whole = error == std::errc() && end == digits.data() + digits.size();
      return whole ? size : byte_count{};
    }
  }
  return {};
}

void filter_session::connected(std::string client_address) {
  client_address_ = std::move(client_address);
  message_.reset();
}

std::string_view filter_session::sender() const {
  return message_ ? std::string_view(message_->sender) : std::string_view();
}

void filter_session::mail(const mail_event& e) {
  message_ = message{.settings = parts_.settings_now(),
                     .sender = std::string(without_brackets(e.path)),
                     .authenticated = !e.authenticated.empty(),
                     .announced = announced_size(e.parameters),
                     .route = {}};
}

filter_answer filter_session::recipient(const recipient_event& e) {
  if (!message_) {
    return {.reply = out_of_order(), .why = "order"};
  }
  const verdict v = judge_recipient(e);
  const mail::reply* reply = reply_of(v);
  return {.reply = reply == nullptr ? std::nullopt : std::optional(*reply), .why = name_of(v)};
}

verdict filter_session::judge_recipient(const recipient_event& e) {
  message& m = *message_;
  if (!parts_.rate.allow({.sender = m.sender,
                          .client_address = client_address_,
                          .authenticated = m.authenticated})) {
    return over_rate();
  }
  const auto address = mail::parse_path(e.path, mail::charset::utf8);
  if (!address) {
    return pass{}; // the MTA took it for an address, so it has a meaning there
  }
  const recipient_facts facts = parts_.known.facts_of(*address);
  if (leaves_this_host(facts, e, *m.settings)) {
    return pass{};
  }
  verdict v = judge(facts, m.settings->judged_by, m.announced);
  if (facts.standing == recipient_standing::known && std::holds_alternative<pass>(v)) {
    m.route.add(facts.store + '/' + facts.partition);
  }
  return v;
}

end_answer filter_session::end_of_message() {
  if (!message_) {
    return {.reply = out_of_order(), .route = {}};
  }
  const message done = std::move(*message_);
  message_.reset();
  if (!done.settings->add_route || done.route.empty()) {
    return {};
  }
  return {.reply = {}, .route = done.route.text(done.settings->host)};
}

void filter_session::aborted() {
  message_.reset();
}

} // namespace homeward::milter
