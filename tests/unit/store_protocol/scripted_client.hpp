#pragma once
// The driver of a client_session for tests: no socket; it records what was sent, with "<body>"
// where the octets of the message would go, and what came of it.

#include <optional>
#include <string>
#include <string_view>

#include "lib/store_protocol/client_session.hpp"

namespace homeward::store_protocol::testing {

class scripted_client {
 public:
  explicit scripted_client(const limits& l = {}) : session(l) {}

  // Gives octets to the session, again with the rest after each event, and performs its actions.
  void reply(std::string_view octets) {
    std::string rest(octets);
    while (!rest.empty()) {
      const std::size_t taken = session.receive(rest);
      rest.erase(0, taken);
      perform();
      if (taken == 0) {
        break;
      }
    }
  }
  void open(std::string_view answer) {
    session.open();
    perform();
    sent.clear();
    reply(answer);
  }
  void start(envelope message) {
    finished.reset();
    session.start(std::move(message));
    perform();
  }
  void on(client_event event) {
    session.on(std::move(event));
    perform();
  }
  void perform() {
    while (auto action = session.next_action()) {
      if (const auto* text = std::get_if<action_send>(&*action)) {
        sent += text->text;
      } else if (std::holds_alternative<action_send_body>(*action)) {
        sent += "<body>";
        if (writes_body) {
          session.on(event_body_sent{});
        }
      } else if (std::holds_alternative<action_opened>(*action)) {
        opened = true;
      } else if (auto* done = std::get_if<action_finished>(&*action)) {
        ++finished_count;
        finished = std::move(*done);
      } else if (auto* probe = std::get_if<action_probed>(&*action)) {
        probed = std::move(*probe);
      } else if (auto* listing = std::get_if<action_listed>(&*action)) {
        listed = std::move(*listing);
      } else {
        why_closed = std::get<action_close>(*action).why;
      }
    }
  }
  std::string take_sent() { return std::exchange(sent, {}); }

  client_session session;
  bool writes_body = true; // false: the octets stay unwritten until the test says event_body_sent
  std::string sent;
  bool opened = false;
  int finished_count = 0;
  std::optional<action_finished> finished;
  std::optional<action_probed> probed;
  std::optional<action_listed> listed;
  std::optional<close_reason> why_closed;
};

inline envelope message_for(std::vector<std::string> mailboxes) {
  envelope e;
  e.size = byte_count{5};
  e.name = {1700000000, "key", "mx1"};
  e.partition = "mail1";
  e.sender = "s@x";
  e.has_sender = true;
  for (std::string& mailbox : mailboxes) {
    e.recipients.push_back(
        {.mailbox = std::move(mailbox), .original = {}, .epoch = 0, .quota_limit = {}});
  }
  return e;
}

} // namespace homeward::store_protocol::testing
