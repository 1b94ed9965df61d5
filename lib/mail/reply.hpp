#pragma once
// SMTP and LMTP replies: the only place of the tree with reply codes as numbers, and the only place
// where a failure becomes one. Everything else names them: reply_452_storage_full.
// Pure value code; any thread.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/failure.hpp"

namespace homeward::mail {

// A reply code with its enhanced status code (RFC 3463). All zero means: no enhanced code, as in
// the greeting, the reply to LHLO and 354.
struct reply_code {
  std::uint16_t code = 0;
  std::uint8_t status_class = 0;
  std::uint8_t subject = 0;
  std::uint8_t detail = 0;

  [[nodiscard]] constexpr bool is_success() const { return code / 100 == 2; }
  [[nodiscard]] constexpr bool is_transient() const { return code / 100 == 4; }
  [[nodiscard]] constexpr bool is_permanent() const { return code / 100 == 5; }
  [[nodiscard]] constexpr bool has_enhanced() const { return status_class != 0; }
  // 421: the connection ends with this reply, whatever it was the answer to.
  [[nodiscard]] constexpr bool ends_connection() const { return code == 421; }
  // The peer did not keep to the protocol (X.5.X, RFC 3463 3.6); not: we do not want this mail.
  [[nodiscard]] constexpr bool is_protocol_error() const { return is_permanent() && subject == 5; }

  friend constexpr bool operator==(reply_code, reply_code) = default;
};

inline constexpr reply_code reply_214_help{214, 2, 0, 0};
inline constexpr reply_code reply_220_greeting{220};
inline constexpr reply_code reply_221_bye{221, 2, 0, 0};
inline constexpr reply_code reply_250_lhlo{250};
inline constexpr reply_code reply_250_ok{250, 2, 0, 0};
inline constexpr reply_code reply_250_stored{250, 2, 0, 0};
inline constexpr reply_code reply_250_sender_ok{250, 2, 1, 0};
inline constexpr reply_code reply_250_recipient_ok{250, 2, 1, 5};
inline constexpr reply_code reply_252_cannot_verify{252, 2, 5, 2};
inline constexpr reply_code reply_354_send_message{354};

inline constexpr reply_code reply_421_timed_out{421, 4, 4, 2};
inline constexpr reply_code reply_421_shutting_down{421, 4, 3, 2};
inline constexpr reply_code reply_421_too_busy{421, 4, 3, 2};
inline constexpr reply_code reply_421_too_many_errors{421, 4, 7, 0};
inline constexpr reply_code reply_421_too_much_data{421, 4, 3, 4};
inline constexpr reply_code reply_450_no_such_user_yet{450, 4, 1, 1};
inline constexpr reply_code reply_450_over_rate{450, 4, 7, 1};
inline constexpr reply_code reply_451_temporary_fault{451, 4, 3, 0};
inline constexpr reply_code reply_451_configuration_fault{451, 4, 3, 5};
inline constexpr reply_code reply_451_unknown_outcome{451, 4, 4, 2};
inline constexpr reply_code reply_452_mailbox_full{452, 4, 2, 2};
inline constexpr reply_code reply_452_storage_full{452, 4, 3, 1};
inline constexpr reply_code reply_452_too_many_recipients{452, 4, 5, 3};

inline constexpr reply_code reply_500_unknown_command{500, 5, 5, 1};
inline constexpr reply_code reply_500_bad_line{500, 5, 5, 2};
inline constexpr reply_code reply_501_bad_argument{501, 5, 5, 4};
inline constexpr reply_code reply_501_bad_recipient{501, 5, 1, 3};
inline constexpr reply_code reply_501_bad_sender{501, 5, 1, 7};
inline constexpr reply_code reply_503_bad_sequence{503, 5, 5, 1};
inline constexpr reply_code reply_550_no_such_user{550, 5, 1, 1};
inline constexpr reply_code reply_550_mailbox_disabled{550, 5, 2, 1};
inline constexpr reply_code reply_552_mailbox_full{552, 5, 2, 2};
inline constexpr reply_code reply_552_message_too_big{552, 5, 3, 4};
inline constexpr reply_code reply_553_needs_smtputf8{553, 5, 6, 7};
inline constexpr reply_code reply_554_cannot_store{554, 5, 6, 0};
inline constexpr reply_code reply_555_unknown_parameter{555, 5, 5, 4};

// The longest reply line in octets, CR LF included (RFC 5321 4.5.3.1.5).
inline constexpr std::size_t longest_reply_line = 512;

// One reply. `text` may hold several lines, separated by '\n'; it may hold text from a peer,
// because encoding escapes it.
struct reply {
  reply_code code = {};
  std::string text = {};

  friend bool operator==(const reply&, const reply&) = default;
};

// Appends the reply as it goes on the wire, each line with code, enhanced code and CR LF. Every
// octet outside printable ASCII and well-formed UTF-8 is escaped, every line cut to 512 octets.
void append_encoded(std::string& out, const reply& r);
[[nodiscard]] std::string encode(const reply& r);

// What an operator may choose about replies.
struct reply_policy {
  // False: a full mailbox is 452 4.2.2 and the sender's MTA tries again for days.
  // True: it is 552 5.2.2 and the sender learns it at once.
  bool mailbox_full_is_permanent = false;
};

// The reply for a failure. A fault of ours is always 4xx: 5xx comes only from a failure that says
// it is permanent and whose reason is the user, the size or the message itself, or a full mailbox
// if the policy says so. The text is `what`; cause and advice stay in our log.
[[nodiscard]] reply reply_for(const failure& f, const reply_policy& policy);

} // namespace homeward::mail
