#pragma once
// One connection of an MTA to the milter, as a pure session: events in, answers out. It knows
// neither libmilter nor a clock nor files; milter_door.hpp drives it from libmilter's callbacks.
//
// The order of events is that of SMTP: connected, then any number of messages, each mail,
// recipient*, and end_of_message or aborted. A second MAIL begins a new message. Any other event
// out of order is answered "try later" and changes nothing: it is a fault of somebody on our side
// of the wire.
//
// Threads: one event at a time; libmilter may use another thread for each.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/byte_count.hpp"
#include "lib/mail/reply.hpp"

#include "milter/filter/message_route.hpp"
#include "milter/knowledge/knowledge.hpp"
#include "milter/policy/policy.hpp"
#include "milter/policy/sender_rate.hpp"

namespace homeward::milter {

// What a reload may change; a message keeps what held at its MAIL.
struct filter_settings {
  rules judged_by;
  std::string host; // in the trace header
  bool add_route = true;
  // {rcpt_mailer} of the MTA for mail that leaves this host. Such a recipient passes while nobody
  // knows which domains are ours.
  std::vector<std::string> remote_mailers{"smtp", "esmtp", "smtp8", "dsmtp", "relay"};
};

// What sessions share; must outlive them. `settings_now` never waits.
struct filter_parts {
  const knowledge& known;
  sender_rate& rate;
  std::function<std::shared_ptr<const filter_settings>()> settings_now;
};

// MAIL as the MTA passes it on.
struct mail_event {
  std::string_view path;                    // "<ann@example.org>", with or without brackets
  std::vector<std::string_view> parameters; // "SIZE=1000", ...
  std::string_view authenticated;           // {auth_authen}: who logged in, or ""
};

// RCPT, likewise.
struct recipient_event {
  std::string_view path;
  std::string_view mailer; // {rcpt_mailer}, or ""
};

// What the MTA is told. Without a reply it goes on.
struct filter_answer {
  std::optional<mail::reply> reply = {};
  std::string_view why = "pass"; // name_of(verdict), or "order"
};

// What the MTA is told at the end of a message.
struct end_answer {
  std::optional<mail::reply> reply = {};
  std::string route = {}; // the value of the trace header; empty: none
};

class filter_session {
 public:
  explicit filter_session(filter_parts parts) : parts_(std::move(parts)) {}

  // `client_address` as the MTA knows it: "192.0.2.7", "" for mail that was handed in on its host.
  void connected(std::string client_address);
  void mail(const mail_event& e);
  [[nodiscard]] filter_answer recipient(const recipient_event& e);
  [[nodiscard]] end_answer end_of_message();
  // The message will not be: RSET, a refusal by somebody else, the end of the connection. Also when
  // there is none.
  void aborted();

  [[nodiscard]] bool has_message() const { return message_.has_value(); }
  [[nodiscard]] const std::string& client_address() const { return client_address_; }
  // Of the message; "" when there is none.
  [[nodiscard]] std::string_view sender() const;

 private:
  struct message {
    std::shared_ptr<const filter_settings> settings;
    std::string sender; // without brackets
    bool authenticated = false;
    byte_count announced{};
    message_route route;
  };

  [[nodiscard]] verdict judge_recipient(const recipient_event& e);

  filter_parts parts_;
  std::string client_address_;
  std::optional<message> message_;
};

// The value of SIZE= (RFC 1870), 0 when there is none or it is no number.
[[nodiscard]] byte_count announced_size(const std::vector<std::string_view>& parameters);

} // namespace homeward::milter
