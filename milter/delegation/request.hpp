#pragma once
// One question of Postfix's policy delegation protocol (SMTPD_POLICY_README): the attributes that
// this server looks at. Plain values.

#include <cstddef>
#include <cstdint>
#include <string>

#include "lib/base/byte_count.hpp"

namespace homeward::milter::delegation {

struct request {
  std::string protocol_state;      // "RCPT", "END-OF-MESSAGE", ...
  std::string sender;              // without brackets; "" for the null sender
  std::string recipient;           // the same; "" at the end of a message with several recipients
  std::string client_address;      // "192.0.2.7"
  std::string sasl_username;       // "" without login
  std::string instance;            // the same for all questions about one message
  std::string queue_id;            // "" until Postfix has a queue file; for the log
  byte_count size{};               // announced with MAIL, 0: not; at END-OF-MESSAGE the real one
  std::size_t recipient_count = 0; // at DATA and END-OF-MESSAGE

  friend bool operator==(const request&, const request&) = default;
};

} // namespace homeward::milter::delegation
