// The reading half of the client session. Every reply is checked against the one command it can
// belong to. Whatever does not fit ends the connection: a reply taken for another request's would
// acknowledge somebody else's message.

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "lib/store_protocol/client_session.hpp"
#include "lib/store_protocol/command.hpp"

namespace homeward::store_protocol {
namespace {

// A +OK that carries one of these answers exactly one command.
constexpr std::array<std::string_view, 6> codes_of_ok{"PENDING", "STORED", "LOAD",
                                                      "CAPA",    "PRTN",   "USAGE"};

// A +OK without a code, with `own`, or with one that a later version may have added.
bool is_plain_ok(const reply& r, std::string_view own) {
  const bool foreign =
      std::find(codes_of_ok.begin(), codes_of_ok.end(), r.code) != codes_of_ok.end() ||
      reason_of(r.code).has_value();
  return r.ok && (r.code == own || !foreign);
}

} // namespace

std::size_t client_session::receive(std::string_view octets) {
  std::size_t consumed = 0;
  while (consumed < octets.size()) {
    if (closed()) {
      return octets.size();
    }
    if (holds_back()) {
      return consumed;
    }
    const std::string_view rest = octets.substr(consumed);
    if (!outstanding()) {
      broken("octets nobody asked for", rest);
      return octets.size();
    }
    const line_found found = lines_.next(rest);
    consumed += found.consumed;
    if (found.what == line_found::kind::need_more) {
      return consumed;
    }
    if (found.what != line_found::kind::line) {
      broken("a reply that is too long", found.text);
    } else if (!found.with_cr) {
      broken("a reply that does not end with CR LF", found.text);
    } else {
      take_line(found.text);
    }
    // Octets behind the last reply that was asked for came before anything else was asked.
    if (!closed() && !outstanding() && consumed < octets.size()) {
      broken("more replies than commands", octets.substr(consumed));
    } else if (!closed() && !outstanding()) {
      advance();
    }
  }
  return consumed;
}

// The replies to DATA wait until the driver said that it wrote all octets.
bool client_session::holds_back() const {
  return state_ == client_state::body && transaction_.answered + 1 == transaction_.plan.size();
}

// Something was asked for that is not answered.
bool client_session::outstanding() const {
  switch (state_) {
  case client_state::opening:
  case client_state::resetting:
  case client_state::probing:
  case client_state::listing: return true;
  case client_state::envelope:
  case client_state::body:
  case client_state::results: return transaction_.answered < transaction_.sent;
  default: return false;
  }
}

// Everything asked for is answered, and nothing more came.
void client_session::advance() {
  transaction& t = transaction_;
  if (!active_ || t.plan.empty()) {
    return;
  }
  if (t.answered == t.plan.size()) {
    if (t.single) {
      for (const std::size_t i : t.accepted) {
        t.outcomes[i] = *t.single;
      }
    }
    settle(transient_failure("the store gave no result"));
    finish();
  } else if (t.refused || (t.answered + 1 == t.plan.size() && t.accepted.empty())) {
    give_up_envelope();
  } else {
    send_more();
  }
}

void client_session::take_line(std::string_view line) {
  const auto parsed = parse_reply(line);
  if (!parsed) {
    broken(parsed.error().what, line);
  } else {
    take_reply(*parsed);
  }
}

void client_session::take_reply(const reply& r) {
  switch (state_) {
  case client_state::opening: take_capabilities(r); break;
  case client_state::probing:
    if (!is_plain_ok(r, "LOAD")) {
      broken("NOOP was not answered +OK", r.text);
      break;
    }
    state_ = client_state::ready;
    actions_.emplace_back(action_probed{features_.load ? load_from(r) : std::nullopt});
    break;
  case client_state::listing: take_listing(r); break;
  case client_state::resetting:
    if (!is_plain_ok(r, {})) {
      broken("RSET was not answered +OK", r.text);
      break;
    }
    finish();
    break;
  default: take_step(r); break;
  }
}

// "-ERR" to CAPA is how a base store says that it knows none of this.
void client_session::take_capabilities(const reply& r) {
  if (!r.ok && !r.code.empty() && r.code != code_of(failure_reason::syntax)) {
    give_up(failure_from(r, r.text), close_reason::peer_closed);
    return;
  }
  const std::string* version = r.find("version");
  if (r.ok && (r.code != "CAPA" || version == nullptr || !parse_number(*version))) {
    broken("CAPA was answered +OK without [CAPA version=...]", r.text);
    return;
  }
  std::string_view words = r.ok ? std::string_view(r.text) : std::string_view{};
  features_.many = r.ok;
  while (!words.empty()) {
    const std::string_view word = words.substr(0, words.find(' '));
    words.remove_prefix(std::min(words.size(), word.size() + 1));
    take_word_of_capa(word);
  }
  state_ = client_state::ready;
  actions_.emplace_back(action_opened{features_});
}

void client_session::take_word_of_capa(std::string_view word) {
  server_features& f = features_;
  constexpr std::array<std::pair<std::string_view, bool server_features::*>, 7> plain{
      {{"RSET", &server_features::rset},
       {"NOOP", &server_features::noop},
       {"PIPELINING", &server_features::pipelining},
       {"RESULTS", &server_features::results},
       {"PARAMS", &server_features::params},
       {"LOAD", &server_features::load},
       {"FULL", &server_features::full}}};
  for (const auto& [keyword, feature] : plain) {
    f.*feature = f.*feature || word == keyword;
  }
  if (word.starts_with("SIZE=")) {
    const auto size = parse_number(word.substr(5));
    f.size = size ? std::optional(byte_count{*size}) : std::nullopt;
  } else if (word.starts_with("SERVER=")) {
    f.software = std::string(word.substr(7));
  }
}

// First how many there are, then one line for each.
void client_session::take_listing(const reply& r) {
  if (!usages_to_come_) {
    usages_to_come_ = count_from(r, limits_);
    if (!usages_to_come_) {
      broken("FULL was not answered +OK [USAGE count=...] within the limit", r.text);
      return;
    }
  } else {
    auto usage = usage_from(r, limits_);
    if (!usage) {
      broken(usage.error().what, r.text);
      return;
    }
    usages_.push_back(std::move(*usage));
    --*usages_to_come_;
  }
  if (*usages_to_come_ == 0) {
    state_ = client_state::ready;
    actions_.emplace_back(action_listed{std::exchange(usages_, {})});
  }
}

void client_session::take_step(const reply& r) {
  const step& asked = transaction_.plan[transaction_.answered];
  switch (asked.what) {
  case step::kind::rcpt: take_recipient(r, asked.recipient); break;
  case step::kind::data: take_data(r); break;
  default: take_preamble(r, asked.what); break;
  }
}

void client_session::take_preamble(const reply& r, step::kind what) {
  transaction& t = transaction_;
  if (!r.ok) {
    t.refused = t.refused.value_or(failure_from(r, r.text));
  } else if (t.refused) {
    broken("a command of a refused transaction was answered +OK", r.text);
    return;
  } else if (!is_plain_ok(r, what == step::kind::prtn ? "PRTN" : "")) {
    broken("the code of this +OK belongs to another command", r.code);
    return;
  }
  ++t.answered;
}

void client_session::take_recipient(const reply& r, std::size_t index) {
  transaction& t = transaction_;
  if (!r.ok) {
    t.outcomes[index] = outcome(t.refused.value_or(failure_from(r, r.text)));
  } else if (t.refused) {
    broken("a recipient of a refused transaction was accepted", r.text);
    return;
  } else if (!is_plain_ok(r, {})) {
    broken("the code of this +OK belongs to another command", r.code);
    return;
  } else {
    t.accepted.push_back(index);
  }
  ++t.answered;
}

void client_session::take_data(const reply& r) {
  transaction& t = transaction_;
  if (r.ok && (t.refused || t.accepted.empty())) {
    broken("a message that nobody accepted was answered +OK", r.text);
    return;
  }
  if (t.accepted.empty()) {
    ++t.answered;
    return;
  }
  const bool last = !features_.results || t.results + 1 == t.accepted.size();
  if (features_.results) {
    take_result(r, t.accepted[t.results]);
  } else {
    take_single(r);
  }
  if (closed()) {
    return;
  }
  ++t.results;
  if (last) {
    ++t.answered;
    load_ = features_.load ? load_from(r) : std::nullopt;
  }
}

// The recipient's own result begins with its mailbox, and success names our NAME: so a reply can
// not be taken for another recipient's or another message's.
void client_session::take_result(const reply& r, std::size_t index) {
  transaction& t = transaction_;
  const std::string address = fmt::format("<{}>", t.message.recipients[index].mailbox);
  const bool own = r.text.starts_with(address) &&
                   (r.text.size() == address.size() || r.text[address.size()] == ' ');
  if (!own) {
    broken("a result that does not begin with its recipient", r.text);
    return;
  }
  if (!r.ok) {
    const std::size_t words = std::min(r.text.size(), address.size() + 1);
    t.outcomes[index] = outcome(failure_from(r, std::string_view(r.text).substr(words)));
    return;
  }
  auto stored = stored_by(r);
  if (!stored || r.code != "STORED") {
    broken("a +OK that does not name this message", r.text);
    return;
  }
  t.outcomes[index] = outcome(std::move(*stored));
}

// One reply for all. Which recipient a permanent refusal means nobody knows, unless there is only
// one: the sender must not give up the others.
void client_session::take_single(const reply& r) {
  transaction& t = transaction_;
  if (!r.ok) {
    failure why = failure_from(r, r.text);
    if (why.kind == failure_kind::permanent && t.accepted.size() > 1) {
      why.kind = failure_kind::transient;
      why.reason = failure_reason::temp;
    }
    t.single = outcome(std::move(why));
    return;
  }
  auto stored = stored_by(r);
  if (!stored || !is_plain_ok(r, "STORED")) {
    broken("a +OK that does not belong to this message", r.text);
    return;
  }
  t.single = outcome(std::move(*stored));
}

// Empty when the reply names another message. A base store names none.
std::optional<stored_as> client_session::stored_by(const reply& r) const {
  const message_name& ours = transaction_.message.name;
  const std::string* name = r.find("name");
  if (name == nullptr) {
    return r.code == "STORED" ? std::nullopt : std::optional(stored_as{to_string(ours), false});
  }
  const auto theirs = parse_message_name(*name, limits_);
  if (!theirs || theirs->key != ours.key) {
    return std::nullopt;
  }
  const std::string* repeat = r.find("repeat");
  return stored_as{*name, repeat != nullptr && *repeat == "yes"};
}

} // namespace homeward::store_protocol
