#include "milter/policy/policy.hpp"

#include <fmt/format.h>

namespace homeward::milter {

namespace {

verdict later(mail::reply_code code, std::string text) {
  return try_later{{.code = code, .text = std::move(text) + "; try again later"}};
}

verdict unknown_user(const rules& by) {
  if (by.unknown_user == reaction::pass) {
    return pass{};
  }
  if (by.unknown_user == reaction::try_later) {
    return later(mail::reply_450_no_such_user_yet, "no such user here yet");
  }
  return refuse{{.code = mail::reply_550_no_such_user, .text = "no such user here"}};
}

bool is_full(const recipient_facts& facts, const rules& by, byte_count announced) {
  if (!facts.usage || facts.usage->age > by.usage_believed) {
    return false;
  }
  const mailbox_usage& u = *facts.usage;
  return u.used >= u.limit || announced.octets > u.limit.octets - u.used.octets;
}

verdict full_mailbox(const rules& by) {
  if (by.full_mailbox == reaction::refuse) {
    return refuse{{.code = mail::reply_552_mailbox_full, .text = "the mailbox is full"}};
  }
  return later(mail::reply_452_mailbox_full, "the mailbox is full");
}

verdict known_user(const recipient_facts& facts, const rules& by, byte_count announced) {
  if (by.full_mailbox != reaction::pass && is_full(facts, by, announced)) {
    return full_mailbox(by);
  }
  const bool away = facts.store_up == store_health::down || facts.partition_offline;
  if (away && by.store_down == reaction::try_later) {
    return later(mail::reply_451_temporary_fault, "the mailbox cannot be reached now");
  }
  return pass{};
}

} // namespace

const mail::reply* reply_of(const verdict& v) {
  if (const auto* r = std::get_if<refuse>(&v)) {
    return &r->reply;
  }
  const auto* t = std::get_if<try_later>(&v);
  return t == nullptr ? nullptr : &t->reply;
}

verdict judge(const recipient_facts& facts, const rules& by, byte_count announced) {
  switch (facts.standing) {
  case recipient_standing::elsewhere: return pass{};
  case recipient_standing::known: return known_user(facts, by, announced);
  case recipient_standing::disabled:
    return refuse{{.code = mail::reply_550_mailbox_disabled, .text = "this mailbox is disabled"}};
  case recipient_standing::unknown: return unknown_user(by);
  case recipient_standing::unavailable: break;
  }
  return later(mail::reply_451_temporary_fault,
               fmt::format("{} is not available",
                           facts.missing.empty() ? "the user directory" : facts.missing));
}

verdict over_rate() {
  return later(mail::reply_450_over_rate, "too many recipients from this sender");
}

std::string_view name_of(const verdict& v) {
  const mail::reply* r = reply_of(v);
  if (r == nullptr) {
    return "pass";
  }
  if (r->code == mail::reply_550_no_such_user || r->code == mail::reply_450_no_such_user_yet) {
    return "unknown";
  }
  if (r->code == mail::reply_452_mailbox_full || r->code == mail::reply_552_mailbox_full) {
    return "full";
  }
  if (r->code == mail::reply_550_mailbox_disabled) {
    return "disabled";
  }
  return r->code == mail::reply_450_over_rate ? "rate" : "unavailable";
}

} // namespace homeward::milter
