#include "tests/transcripts/lmtp/scripted_session.hpp"

#include <stdexcept>

#include <fmt/format.h>

namespace homeward::transcripts {
namespace {

template <class... Ts>
struct overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
overloaded(Ts...) -> overloaded<Ts...>;

std::string take_word(std::string& text) {
  const std::size_t end = text.find(' ');
  std::string word = text.substr(0, end);
  text.erase(0, end == std::string::npos ? end : end + 1);
  return word;
}

[[noreturn]] void fail(const transcript& t, const header& h) {
  throw std::runtime_error(
      fmt::format("{}:{}: `{} {}` is not known", t.file.string(), h.line, h.keyword, h.rest));
}

std::string without_brackets(std::string text) {
  if (text.starts_with('<') && text.ends_with('>')) {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

bool add_recipient(scene& s, std::string words) {
  // A quoted local part may hold spaces: the address ends with its bracket.
  const std::size_t end = words.find("> ");
  if (!words.starts_with('<') || end == std::string::npos) {
    return false;
  }
  const std::string address = words.substr(1, end - 1);
  words.erase(0, end + 2);
  const std::string verdict = take_word(words);
  if (verdict == "accepted") {
    const std::string mailbox = words.starts_with("as ") ? words.substr(3) : address;
    s.policy.answers.insert_or_assign(address, lmtp::accepted_recipient{.mailbox = mailbox});
  } else if (verdict == "unknown") {
    s.policy.answers.insert_or_assign(address,
                                      permanent_failure(failure_reason::no_user, "no such user"));
  } else if (verdict == "temp") {
    s.policy.answers.insert_or_assign(address,
                                      transient_failure("the user directory is not available"));
  } else {
    return false;
  }
  return true;
}

std::optional<failure> failure_named(std::string_view name) {
  static const std::map<std::string_view, failure> names{
      {"over_quota", {.reason = failure_reason::quota, .what = "the mailbox is full"}},
      {"full", {.reason = failure_reason::full, .what = "no space left on the volume"}},
      {"temp", transient_failure("the store cannot be reached")},
      {"unknown", unknown_outcome("the connection to the store was lost")},
      {"perm", permanent_failure(failure_reason::perm, "the message cannot be stored")},
      {"no_user", permanent_failure(failure_reason::no_user, "no such mailbox")},
      {"too_big", permanent_failure(failure_reason::too_big, "the store refuses the size")},
      {"moved", {.reason = failure_reason::moved, .what = "the mailbox has moved"}},
      {"denied", {.reason = failure_reason::denied, .what = "the store does not know this host"}},
  };
  const auto found = names.find(name);
  return found == names.end() ? std::nullopt : std::optional(found->second);
}

bool add_outcome(scene& s, std::string words) {
  const std::size_t at = words.rfind(' ');
  if (at == std::string::npos) {
    return false;
  }
  const std::string mailbox = without_brackets(words.substr(0, at));
  const std::string name = words.substr(at + 1);
  if (name == "missing") {
    s.outcomes[mailbox] = std::nullopt;
  } else if (name == "hang_up") {
    s.outcomes[mailbox] = mail::reply{mail::reply_421_shutting_down, "a driver must not say this"};
  } else if (name == "stored") {
    s.outcomes.erase(mailbox);
  } else if (const auto f = failure_named(name)) {
    s.outcomes[mailbox] = mail::reply_for(*f, s.settings.replies);
  } else {
    return false;
  }
  return true;
}

bool set_limit(lmtp::limits& l, std::string words) {
  const std::string name = take_word(words);
  const std::size_t value = std::stoul(words);
  if (name == "command_line") {
    l.command_line = value;
  } else if (name == "recipients") {
    l.recipients = value;
  } else if (name == "message_size") {
    l.message_size.octets = value;
  } else if (name == "surplus") {
    l.surplus.octets = value;
  } else if (name == "errors") {
    l.errors = value;
  } else if (name == "idle_commands") {
    l.idle_commands = value;
  } else {
    return false;
  }
  return true;
}

} // namespace

result<lmtp::accepted_recipient> scripted_policy::accept(const mail::address& path) const {
  const auto found = answers.find(mail::to_string(path));
  if (found == answers.end()) {
    return permanent_failure(failure_reason::no_user, "no such user");
  }
  return found->second;
}

void set_scene(const transcript& t, scene& s) {
  s.settings.hostname = "mx.example";
  // Settings first: they decide how an outcome is worded.
  for (const header& h : t.headers) {
    if (h.keyword == "setting" && h.rest == "mailbox_full permanent") {
      s.settings.replies.mailbox_full_is_permanent = true;
    } else if (h.keyword == "setting") {
      fail(t, h);
    }
  }
  for (const header& h : t.headers) {
    const bool known =
        h.keyword == "setting" || (h.keyword == "rcpt" && add_recipient(s, h.rest)) ||
        (h.keyword == "outcome" && add_outcome(s, h.rest)) ||
        (h.keyword == "limit" && set_limit(s.settings.bounds, h.rest)) ||
        (h.keyword == "deliveries" && h.rest == "held" && (s.deliveries_held = true));
    if (!known) {
      fail(t, h);
    }
  }
}

scripted_session::scripted_session(const scene& s) : scene_(s), session_(s.settings, s.policy) {
  session_.start();
  perform_all();
}

void scripted_session::feed(std::string_view octets) {
  waiting_ += octets;
  while (!waiting_.empty() && session_.wants_input()) {
    const std::size_t taken = session_.receive(waiting_);
    perform_all();
    waiting_.erase(0, taken);
    if (taken == 0 && session_.wants_input() && to_report_ == std::nullopt) {
      throw std::logic_error("the session wants input and takes none");
    }
    if (to_report_ && !scene_.deliveries_held) {
      report(*std::exchange(to_report_, std::nullopt));
    }
  }
}

void scripted_session::on(const lmtp::event& e) {
  session_.on(e);
  perform_all();
  feed({});
}

void scripted_session::report(std::uint64_t transaction) {
  lmtp::delivery_finished finished{.transaction = transaction, .outcomes = {}};
  for (const delivered& m : messages_) {
    if (m.about.transaction != transaction) {
      continue;
    }
    for (const lmtp::recipient& r : m.about.recipients) {
      const auto found = scene_.outcomes.find(r.mailbox);
      if (found == scene_.outcomes.end()) {
        finished.outcomes.push_back({mail::reply_250_stored, "stored as NAME on store1/mail1"});
      } else if (found->second) {
        finished.outcomes.push_back(*found->second);
      }
    }
  }
  on(finished);
}

void scripted_session::perform_all() {
  while (auto a = session_.next_action()) {
    perform(*a);
  }
}

void scripted_session::perform(lmtp::action& a) {
  if (closed_) {
    throw std::logic_error("an action after close");
  }
  std::visit(
      overloaded{
          [&](lmtp::send& s) {
            sent_ += s.octets;
            sends_.push_back(std::move(s.octets));
          },
          [&](lmtp::begin_message& b) { messages_.push_back({.about = std::move(b.about)}); },
          [&](lmtp::body_chunk& c) { messages_.back().octets += c.octets; },
          [&](lmtp::end_message& e) {
            messages_.back().complete = true;
            to_report_ = e.transaction;
          },
          [&](lmtp::discard& d) { messages_.back().discarded = d.reason; },
          [&](lmtp::close& c) { closed_ = c.reason; },
      },
      a);
}

} // namespace homeward::transcripts
