// Any octets as an LMTP client: the session says the same however they arrive, agrees with the
// reference model, gives exactly one reply for each accepted recipient, and never gets stuck.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lmtp-bridge/lmtp/session.hpp"
#include "tests/fuzz/lmtp_server_model.hpp"

using namespace homeward;

namespace {

void require(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
  }
}

class policy final : public lmtp::recipient_policy {
 public:
  [[nodiscard]] result<lmtp::accepted_recipient> accept(const mail::address& path) const override {
    switch (path.local.front()) {
    case 'u': return permanent_failure(failure_reason::no_user, "no such user");
    case 't': return transient_failure("the directory cannot tell");
    default:
      return lmtp::accepted_recipient{.mailbox = lmtp_model::mailbox_for(path.local, path.domain)};
    }
  }
};

mail::reply outcome_of(const std::string& mailbox) {
  switch (mailbox.front()) {
  case 'q': return {mail::reply_452_mailbox_full, "full"};
  case 'f': return {mail::reply_452_storage_full, "full"};
  default: return {mail::reply_250_stored, "stored"};
  }
}

lmtp::session_settings small_settings() {
  lmtp::session_settings s;
  s.hostname = "mx";
  s.bounds.command_line = 160;
  s.bounds.recipients = 4;
  s.bounds.message_size = byte_count{120};
  s.bounds.surplus = byte_count{40};
  s.bounds.errors = 6;
  s.bounds.idle_commands = 12;
  return s;
}

// What one conversation came to.
struct record {
  std::string sent;
  std::vector<lmtp_model::message> messages;
  bool closed = false;

  friend bool operator==(const record&, const record&) = default;
};

class driver {
 public:
  driver() : session_(small_settings(), policy_) {
    session_.start();
    perform_all();
  }

  // Pieces as in dot_reader.cpp: 0 is everything at once, 1 single octets.
  record run(std::string_view input, std::uint32_t seed) {
    std::string pending;
    std::uint32_t state = seed;
    while (!out_.closed && (!input.empty() || !pending.empty())) {
      state = state * 1664525U + 1013904223U;
      const std::size_t length = seed == 0 ? input.size() : seed == 1 ? 1 : 1 + (state >> 24U) % 40;
      pending += input.substr(0, length);
      input.remove_prefix(std::min(length, input.size()));
      while (!pending.empty() && !out_.closed) {
        const std::size_t taken = session_.receive(pending);
        perform_all(); // chunks point into `pending`
        pending.erase(0, taken);
        require(taken > 0 || out_.closed || pending.empty(), "progress");
      }
    }
    const bool closed_by_server = out_.closed;
    session_.on(lmtp::peer_closed{});
    perform_all();
    require(out_.closed, "a session ends when its peer does");
    out_.closed = closed_by_server;
    return std::move(out_);
  }

 private:
  void perform_all() {
    while (auto a = session_.next_action()) {
      require(!out_.closed, "nothing comes after close");
      std::visit([this](auto& one) { perform(one); }, *a);
    }
    if (to_deliver_ != 0) {
      deliver();
    }
  }

  void perform(lmtp::send& s) { out_.sent += s.octets; }
  void perform(lmtp::begin_message& b) {
    require(!open_, "one message at a time");
    open_ = true;
    message_ = {};
    about_ = std::move(b.about);
    for (const lmtp::recipient& r : about_.recipients) {
      message_.mailboxes.push_back(r.mailbox);
    }
    require(!message_.mailboxes.empty(), "a message has recipients");
  }
  void perform(lmtp::body_chunk& c) {
    require(open_, "octets belong to a message");
    message_.octets += c.octets;
    require(message_.octets.size() <= small_settings().bounds.message_size.octets,
            "no more than the limit is handed on");
  }
  void perform(lmtp::end_message& e) {
    require(open_ && e.transaction == about_.transaction, "the end of the open message");
    open_ = false;
    to_deliver_ = e.transaction;
  }
  void perform(lmtp::discard& /*d*/) {
    require(open_, "only an open message is thrown away");
    open_ = false;
  }
  void perform(lmtp::close& /*c*/) { out_.closed = true; }

  void deliver() {
    require(session_.receive("NOOP\r\n") == 0, "nothing is read while outcomes are awaited");
    lmtp::delivery_finished finished{.transaction = std::exchange(to_deliver_, 0), .outcomes = {}};
    for (const lmtp::recipient& r : about_.recipients) {
      finished.outcomes.push_back(outcome_of(r.mailbox));
    }
    out_.messages.push_back(message_);
    session_.on(finished);
    perform_all();
  }

  policy policy_;
  lmtp::session session_;
  record out_;
  lmtp_model::message message_;
  lmtp::envelope about_;
  bool open_ = false;
  std::uint64_t to_deliver_ = 0;
};

// "250 2.1.5 <a> ok" -> "250 2.1.5"; "250-SIZE 1" -> "250-".
std::vector<std::string> codes_in(std::string_view sent) {
  std::vector<std::string> codes;
  while (!sent.empty()) {
    const std::size_t end = sent.find("\r\n");
    require(end != sent.npos, "every reply ends in CR LF");
    require(end + 2 <= mail::longest_reply_line, "a reply line fits");
    const std::string_view line = sent.substr(0, end);
    for (const char c : line) {
      require(static_cast<std::uint8_t>(c) >= 0x20 && c != 0x7F, "a reply is printable");
    }
    require(line.size() >= 4, "a reply has a code");
    const bool enhanced = line.size() >= 9 && line[5] == '.' && line[7] == '.';
    std::string code(line.substr(0, enhanced ? 9 : line[3] == '-' ? 4 : 3));
    codes.push_back(std::move(code));
    sent.remove_prefix(end + 2);
  }
  return codes;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  const std::uint32_t seed = 2U + data[0] + 256U * data[1];
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  const record whole = driver().run(input, 0);
  require(whole == driver().run(input, 1), "the same octet by octet");
  require(whole == driver().run(input, seed), "the same in any pieces");

  const lmtp_model::result expected = lmtp_model::converse(input, small_settings().bounds);
  require(codes_in(whole.sent) == expected.codes, "the replies of the reference model");
  require(whole.messages == expected.messages, "the messages of the reference model");
  require(whole.closed == expected.closed_by_server, "closed when the reference model closes");
  return 0;
}
