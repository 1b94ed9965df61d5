#include "lib/mail/reply.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "lib/base/escape.hpp"

namespace homeward::mail {
namespace {

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= ' ' && c <= '~' && c != '\\'; });
}

// Cuts without leaving half a UTF-8 sequence.
std::string_view cut(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) {
    return text;
  }
  while (limit > 0 && (static_cast<std::uint8_t>(text[limit]) & 0xC0U) == 0x80U) {
    --limit;
  }
  return text.substr(0, limit);
}

void append_line(std::string& out, reply_code code, bool last, std::string_view text) {
  const std::size_t start = out.size();
  fmt::format_to(std::back_inserter(out), "{}{}", code.code, last ? ' ' : '-');
  if (code.has_enhanced()) {
    fmt::format_to(std::back_inserter(out), "{}.{}.{} ", code.status_class, code.subject,
                   code.detail);
  }
  const std::size_t room = longest_reply_line - 2 - (out.size() - start);
  if (is_plain(text)) {
    out += text.substr(0, room);
  } else {
    out += cut(escape(text, longest_reply_line), room);
  }
  out += "\r\n";
}

reply_code code_for(const failure& f, const reply_policy& policy) {
  if (f.kind == failure_kind::unknown_outcome) {
    return reply_451_unknown_outcome;
  }
  const bool permanent = f.kind == failure_kind::permanent;
  switch (f.reason) {
  case failure_reason::quota:
    return policy.mailbox_full_is_permanent ? reply_552_mailbox_full : reply_452_mailbox_full;
  case failure_reason::full: return reply_452_storage_full;
  case failure_reason::no_user:
    return permanent ? reply_550_no_such_user : reply_451_temporary_fault;
  case failure_reason::too_big:
    return permanent ? reply_552_message_too_big : reply_451_temporary_fault;
  case failure_reason::perm: return permanent ? reply_554_cannot_store : reply_451_temporary_fault;
  case failure_reason::no_partition:
  case failure_reason::moved:
  case failure_reason::denied:
  case failure_reason::syntax: return reply_451_configuration_fault;
  case failure_reason::temp: break;
  }
  return reply_451_temporary_fault;
}

std::string_view default_text(reply_code code) {
  if (code == reply_451_unknown_outcome) {
    return "the message may or may not be stored";
  }
  return code.is_permanent() ? "the message cannot be stored" : "temporary fault";
}

} // namespace

void append_encoded(std::string& out, const reply& r) {
  std::string_view rest = r.text;
  while (true) {
    const std::size_t end = rest.find('\n');
    append_line(out, r.code, end == std::string_view::npos, rest.substr(0, end));
    if (end == std::string_view::npos) {
      return;
    }
    rest.remove_prefix(end + 1);
  }
}

std::string encode(const reply& r) {
  std::string out;
  append_encoded(out, r);
  return out;
}

reply reply_for(const failure& f, const reply_policy& policy) {
  reply r{.code = code_for(f, policy), .text = f.what};
  if (r.text.empty()) {
    r.text = default_text(r.code);
  }
  // A line break here would make two replies of one.
  std::replace(r.text.begin(), r.text.end(), '\n', ' ');
  if (r.code == reply_451_unknown_outcome) {
    r.text += "; it will be sent again, a duplicate is possible";
  } else if (r.code.is_transient()) {
    r.text += "; try again later";
  }
  return r;
}

} // namespace homeward::mail
